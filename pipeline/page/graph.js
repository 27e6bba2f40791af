// The operators of a stage, one a row in order of execution, with the values between them as edges.
// An edge to the next row is an arrow. Any other value has a lane on the left for as long as it is
// needed, so that values that are live at the same time have different lanes.

const ROW = 33, BOX = 25, LANE = 10, MOST_LANES = 230, INDENT = 16;

function drawGraph(view) {
  const stage = currentStage();
  view.replaceChildren(graphToolbar(stage), el("div", {
    id: "graph", class: stage === planned ? null : "wide", tabindex: 0, role: "listbox", "aria-label": `Operators of stage ${stage.name}`,
    onkeydown: graphKey,
  }));
  drawRows(stage);
  if (state.op !== null) revealRow();
}

function graphToolbar(stage) {
  const stages = data.stages.map((each, i) =>
    el("button", {
      "aria-pressed": String(i === state.stage), "data-stage": each.name,
      onclick: () => show({ stage: i, op: null }),
    }, each.name));
  const kinds = Object.keys(KINDS).filter((kind) => stage.ops.some((op) => op.kind === kind));
  return el("div", { class: "toolbar" },
    el("span", { class: "choice", role: "group", "aria-label": "Stage" }, stages),
    stage === planned ? metricChoice() : null,
    el("span", { class: "legend" }, kinds.map((kind) =>
      el("span", { class: kind }, el("i"), kindName(kind, stage)))));
}

function metricChoice() {
  return el("label", { class: "dim" }, "cost ", el("select", {
    id: "metric", onchange: (event) => show({ metric: event.target.value }),
  }, metrics.map((name) => el("option", { value: name, selected: name === state.metric }, name))));
}

// The rows that are shown: what matches the search, and not in a closed region.
function visibleOps(stage) {
  const isOpen = (op) => {
    for (let up = op.parent; up !== undefined; up = stage.ops[up].parent) {
      if (stage.ops[up].closed) return false;
    }
    return true;
  };
  const shown = stage.ops.filter(state.query ? matches : isOpen);
  byId("found").textContent = state.query ? `${shown.length} of ${stage.ops.length}` : "";
  return shown;
}

function drawRows(stage) {
  const shown = visibleOps(stage);
  const rowOf = new Map(shown.map((op, row) => [op.number, row]));
  const row = (number) => {
    for (let at = number; at !== undefined; at = stage.ops[at].parent) {
      if (rowOf.has(at)) return rowOf.get(at);
    }
    return undefined;
  };
  const { paths, lanes } = state.query ? { paths: [], lanes: 0 } : routes(stage, shown, row);
  const spacing = Math.min(LANE, MOST_LANES / Math.max(lanes, 1));
  const left = 20 + lanes * spacing;
  const cost = costScale(stage);
  const rows = shown.map((op, i) => rowElement(stage, op, i, left, cost));
  const height = shown.length * ROW + 8;
  const lines = svg("svg", { width: left + 300, height, "aria-hidden": "true" });
  const x = (op) => left + op.depth * INDENT;
  for (const path of paths) lines.append(...drawEdge(path, shown, x, left, spacing));
  const graph = byId("graph");
  graph.replaceChildren(...groups(stage, shown, left), lines, ...rows);
  graph.style.height = `${height}px`;
  if (!shown.length) graph.append(el("p", { class: "tables dim" }, "No operator matches."));
  markSelection();
}

// The edges between rows, each value with a lane if a user is not the next row.
function routes(stage, shown, row) {
  const targets = shown.map(() => new Set());
  for (const op of stage.ops) {
    const to = row(op.number);
    for (const maker of op.sources) {
      const from = row(maker);
      if (to !== undefined && from !== undefined && to !== from) targets[from].add(to);
    }
  }
  const paths = [], ends = [];
  targets.forEach((all, from) => {
    const far = [...all].filter((to) => to !== from + 1).sort((a, b) => a - b);
    if (all.has(from + 1)) paths.push({ from, to: [from + 1], lane: null });
    if (!far.length) return;
    const first = Math.min(from, far[0]), last = Math.max(from, far[far.length - 1]);
    let lane = ends.findIndex((end) => end < first);
    if (lane < 0) lane = ends.push(0) - 1;
    ends[lane] = last;
    paths.push({ from, to: far, lane });
  });
  return { paths, lanes: ends.length };
}

function drawEdge({ from, to, lane }, shown, x, left, spacing) {
  const middle = (row) => row * ROW + ROW / 2;
  const made = [];
  const add = (d, target) => made.push(svg("path", {
    d, class: "edge", "data-from": shown[from].number, "data-to": shown[target].number,
  }));
  const head = (points, target) => made.push(svg("polygon", {
    points, class: "head", "data-from": shown[from].number, "data-to": shown[target].number,
  }));
  if (lane === null) {
    const at = Math.max(x(shown[from]), x(shown[to[0]])) + 16;
    const top = middle(from) + BOX / 2, bottom = middle(to[0]) - BOX / 2;
    add(`M${at} ${top}V${bottom - 3}`, to[0]);
    head(`${at - 3.5},${bottom - 5} ${at + 3.5},${bottom - 5} ${at},${bottom}`, to[0]);
    return made;
  }
  const at = left - 8 - (lane + 0.5) * spacing;
  const start = middle(from) + 4;
  for (const target of to) {
    const end = middle(target) - 4, turn = Math.min(5, spacing / 2), way = end > start ? 1 : -1;
    const stop = x(shown[target]);
    add(
      `M${x(shown[from])} ${start}H${at + turn}Q${at} ${start} ${at} ${start + way * turn}` +
        `V${end - way * turn}Q${at} ${end} ${at + turn} ${end}H${stop - 3}`,
      target,
    );
    head(`${stop - 5},${end - 3.5} ${stop - 5},${end + 3.5} ${stop},${end}`, target);
  }
  return made;
}

// A frame around each open region.
function groups(stage, shown, left) {
  if (state.query) return [];
  const made = [];
  shown.forEach((op, row) => {
    if (!op.children.length || op.closed) return;
    let last = row;
    while (last + 1 < shown.length && shown[last + 1].depth > op.depth) last++;
    made.push(el("div", { class: `group ${op.kind}`, style: {
      left: `${left + op.depth * INDENT - 6}px`, top: `${row * ROW + 1}px`,
      height: `${(last - row + 1) * ROW - 2}px`,
    } }));
  });
  return made;
}

function costScale(stage) {
  if (stage !== planned) return null;
  const value = METRICS[state.metric];
  const single = stage.ops.filter((op) => !op.children.length || op.closed);
  return { value, most: Math.max(1, ...single.map((op) => value(op) ?? 0)) };
}

function rowElement(stage, op, row, left, cost) {
  const where = shortWhere(op.where);
  const made = el("div", {
    class: `row ${op.kind}`, role: "option", id: `op-${op.number}`, "data-op": op.number,
    style: { top: `${row * ROW}px`, height: `${ROW}px`,
      paddingLeft: `${left + op.depth * INDENT}px` },
    onclick: () => show({ op: op.number }),
  });
  const results = op.out.length ? op.out : op.in.slice(0, 1);
  const type = results.map((value) => stage.values[value].type).join(", ");
  made.append(
    boxElement(stage, op),
    el("span", { class: "type dim", title: type }, type),
    el("span", { class: "where", title: op.where || "" }, where.name, " ",
      el("span", { class: "dim" }, where.file)));
  // An open region has the sum of its operators, so no bar of its own.
  const isOpen = op.children.length && !op.closed;
  if (cost) made.append(barElement(cost.value(op), isOpen ? 0 : cost.most));
  return made;
}

function boxElement(stage, op) {
  const [, dialect, name] = /^(\w+\.)?(.*)$/s.exec(op.name);
  const width = Math.max(150, 252 - op.depth * INDENT);
  const box = el("span", { class: "box", style: { width: `${width}px` }, title: op.name });
  if (op.children.length) {
    box.append(el("button", {
      "aria-label": op.closed ? "open the region" : "close the region",
      "aria-expanded": String(!op.closed), tabindex: -1,
      onclick: (event) => {
        event.stopPropagation();
        toggle(stage, op);
      },
    }, op.closed ? "▸" : "▾"));
  }
  box.append(el("b", {}, name));
  if (dialect) box.append(el("span", { class: "dialect" }, dialect.slice(0, -1)));
  return box;
}

function barElement(value, most) {
  if (!value) return el("span", { class: "bar" });
  const made = el("span", { class: "bar" }, el("span", {}, number(value)), el("i"));
  made.style.setProperty("--part", `${most ? Math.max(1, (100 * value) / most) : 0}%`);
  return made;
}

function toggle(stage, op) {
  op.closed = !op.closed;
  drawRows(stage);
}

function markSelection() {
  const op = state.op === null ? null : currentStage().ops[state.op];
  for (const row of byId("graph").querySelectorAll(".row")) {
    const number = Number(row.dataset.op);
    row.classList.toggle("selected", number === state.op);
    row.setAttribute("aria-selected", String(number === state.op));
    const near = op && (op.sources.includes(number) || op.users.includes(number));
    row.classList.toggle("near", Boolean(near));
  }
  for (const line of byId("graph").querySelectorAll(".edge, .head")) {
    line.classList.toggle("in", Number(line.dataset.to) === state.op);
    line.classList.toggle("out", Number(line.dataset.from) === state.op);
  }
  if (op) byId("graph").setAttribute("aria-activedescendant", `op-${state.op}`);
}

function revealRow() {
  const stage = currentStage();
  let changed = false;
  for (let up = stage.ops[state.op].parent; up !== undefined; up = stage.ops[up].parent) {
    changed = changed || stage.ops[up].closed;
    stage.ops[up].closed = false;
  }
  if (changed) drawRows(stage);
  const row = byId(`op-${state.op}`), view = byId("view");
  if (!row) return;
  const bar = view.querySelector(".toolbar").offsetHeight, top = row.offsetTop + bar;
  if (top < view.scrollTop + bar || top + ROW > view.scrollTop + view.clientHeight) {
    view.scrollTop = top - view.clientHeight / 2;
  }
}

function graphKey(event) {
  const rows = [...byId("graph").querySelectorAll(".row")].map((row) => Number(row.dataset.op));
  const at = rows.indexOf(state.op), op = currentStage().ops[state.op];
  const page = Math.max(1, Math.floor(byId("view").clientHeight / ROW) - 2);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page,
    Home: 0, End: rows.length - 1 };
  if (event.key in moves && rows.length) {
    const next = Math.min(rows.length - 1, Math.max(0, moves[event.key]));
    show({ op: rows[next] });
  } else if (op && op.children.length && event.key === (op.closed ? "ArrowRight" : "ArrowLeft")) {
    toggle(currentStage(), op);
  } else if (op && op.parent !== undefined && event.key === "ArrowLeft") {
    show({ op: op.parent });
  } else return;
  event.preventDefault();
}
