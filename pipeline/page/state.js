// What the page shows, and what all views need: elements, numbers, the graph of a stage.
// All texts of the data become text nodes; nothing of it is ever parsed as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const figures = data.figures;

const state = { tab: "graph", stage: 0, op: null, query: "", metric: null, zoom: 1 };

const byId = (id) => document.getElementById(id);

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  return fill(made, attributes, children);
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return fill(made, attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(made.style, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

const number = (value) => value.toLocaleString("en-US");
const bytes = (value) => `${number(value)} byte${value === 1 ? "" : "s"}`;

function percent(part, total) {
  return total ? `${((100 * part) / total).toFixed(1)} %` : "";
}

// A source location: the module's name, and the last part of the path with the line.
function shortWhere(where) {
  if (!where) return { name: "", file: "" };
  const [, path, name] = /^(.*?)(?: \(([^()]*)\))?$/s.exec(where.split(", ")[0]);
  const file = path.split(/[/\\]/).pop();
  return { name: name || "", file };
}

const KINDS = {
  border: "input or output", core: "operator", npu: "on the NPU", float: "computes in float",
  cast: "quantize or dequantize", move: "moves bytes", view: "costs nothing", loop: "loop",
};

function kindName(kind, stage) {
  const called = stage.name === "planned" || stage.name === "cortex_m";
  return kind === "core" && called ? "kernel on the core" : KINDS[kind];
}

// The op that makes a value, seen through the borders of regions; undefined for a constant.
function source(stage, value) {
  let found = stage.values[value];
  for (let i = 0; found.same !== undefined && i < 100; i++) found = stage.values[found.same];
  return found.from;
}

// Adds to a stage what its drawing needs: depth of regions, children, producers, users.
function prepare(stage) {
  stage.ops.forEach((op, number) => {
    op.number = number;
    op.children = [];
    op.users = [];
    op.depth = 0;
    op.found = `${op.name} ${op.where || ""} ${op.reason || ""} ${op.outside || ""}`.toLowerCase();
    if (op.parent !== undefined) {
      stage.ops[op.parent].children.push(number);
      op.depth = stage.ops[op.parent].depth + 1;
    }
  });
  for (const op of stage.ops) {
    op.sources = op.children.length ? [] : op.in.map((value) => source(stage, value));
    op.sources = [...new Set(op.sources.filter((maker) => maker !== undefined))];
    for (const maker of op.sources) stage.ops[maker].users.push(op.number);
    op.closed = stage.name === "cortex_m" && op.children.length > 40;
  }
}

data.stages.forEach(prepare);
const planned = data.stages.find((stage) => stage.name === "planned");
state.stage = planned ? data.stages.indexOf(planned) : 0;
const currentStage = () => data.stages[state.stage];

// The cost of an op in the planned stage by each measure that is known; null if it has none.
const METRICS = {
  products: (op) => (op.macs ?? (op.step === undefined ? null : stepOf(op).multiplications)),
  "bytes moved": (op) => (op.step === undefined ? null : stepOf(op).bytes),
  "NPU cycles": (op) => op.cycles ?? null,
  instructions: (op) => (op.step === undefined ? null : data.instructions.steps[op.step]),
};
const stepOf = (op) => figures.steps[op.step];
const metrics = Object.keys(METRICS).filter(
  (name) =>
    (name !== "NPU cycles" || figures.delegates.length) &&
    (name !== "instructions" || data.instructions),
);
state.metric = figures.delegates.length ? "NPU cycles" : metrics[0];

function matches(op) {
  return state.query.split(/\s+/).every((word) => op.found.includes(word));
}
