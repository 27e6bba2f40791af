// All that is known about the selected operator.

function drawDetails() {
  const panel = byId("details"), stage = currentStage();
  panel.scrollTop = 0;
  if (state.op === null) {
    panel.replaceChildren(el("h2", {}, "No operator selected"),
      el("p", { class: "dim" }, "Click an operator, or a value in the arena, to see its source " +
        "line, its values, its cost and its IR."),
      el("h3", {}, "Keys"),
      el("dl", { class: "facts" }, [["/", "search"], ["↑ ↓ Page Up, Page Down", "select an operator"],
        ["← →", "close and open a region"], ["[ ]", "stage before, stage after"],
        ["1 … 6", "view"], ["Esc", "clear the search"]].map(([key, does]) => [
        el("dt", {}, key), el("dd", {}, does)])));
    return;
  }
  const op = stage.ops[state.op];
  const [, dialect, name] = /^(\w+\.)?(.*)$/s.exec(op.name);
  panel.replaceChildren(...[
    el("h2", {}, el("span", { class: "dim" }, dialect), name),
    el("p", { class: op.kind }, el("span", { class: "badge" }, kindName(op.kind, stage)),
      el("span", { class: "dim" }, ` stage ${stage.name}`)),
    whereElement(op),
    ...whyElements(op),
    ...costElements(stage, op),
    ...valueList("Operands", stage, op.in, false),
    ...valueList("Results", stage, op.out, true),
    ...accuracyElements(op, stage),
    ...otherStages(op, stage),
    ...(op.text ? [el("h3", {}, "IR"), el("pre", {}, op.text)] : []),
  ].filter(Boolean));
}

function whereElement(op) {
  if (!op.where) return null;
  return el("p", {}, el("span", { class: "dim" }, "source "), op.where);
}

// Why an operator is where it is.
function whyElements(op) {
  const made = [];
  const add = (kind, title, text) => made.push(el("h3", {}, title),
    el("p", { class: `why ${kind}` }, text));
  if (op.reason) {
    const title = op.kind === "float" ? "Why in float" : "Why on a portable kernel";
    add(op.kind === "float" ? "float" : "move", title, op.reason);
  }
  if (op.outside) add("core", "Why not on the NPU", op.outside);
  const same = figures.outside.find((entry) => entry.location && entry.location === op.where);
  if (!op.outside && same && op.kind !== "npu" && op.kind !== "border") {
    add("core", "Why not on the NPU", `${same.op}: ${same.reason}`);
  }
  return made;
}

function costElements(stage, op) {
  const rows = [];
  const add = (name, value) => rows.push(el("dt", {}, name), el("dd", {}, value));
  if (op.step !== undefined) {
    const step = stepOf(op);
    add("step", number(op.step));
    if (step.multiplications) add("products", number(step.multiplications));
    add("bytes read and written", number(step.bytes));
    if (step.times !== 1) add("times in one run", number(step.times));
    if (data.instructions) add("instructions", `${number(data.instructions.steps[op.step])} (${
      percent(data.instructions.steps[op.step], data.instructions.total)})`);
  }
  const call = delegateOf(stage, op);
  if (call) {
    add("cycles (Vela)", number(call.figures.cycles));
    add("products on the NPU", number(call.figures.macs));
    add("stream and weights", bytes(call.stream_bytes));
    add("scratch", bytes(call.scratch_bytes));
  } else if (op.cycles !== undefined) {
    add("cycles (Vela)", `${number(op.cycles)} (${percent(op.cycles, figures.npu_cycles)})`);
    if (op.macs) add("products", number(op.macs));
  }
  return rows.length ? [el("h3", {}, "Cost of one run"), el("dl", { class: "facts" }, rows)] : [];
}

// Vela's figures of a delegate of the planned stage.
function delegateOf(stage, op) {
  if (stage !== planned || op.kind !== "npu" || op.parent !== undefined) return undefined;
  const calls = stage.ops.filter((each) => each.kind === "npu" && each.step !== undefined);
  return op.step === undefined ? undefined : figures.delegates[calls.indexOf(op)];
}

function valueList(title, stage, values, made) {
  if (!values.length) return [];
  return [el("h3", {}, title), el("ul", { class: "values" }, values.map((number) => {
    const value = stage.values[number];
    const notes = [value.quant, value.what,
      value.bytes === undefined ? null : bytes(value.bytes),
      value.place === undefined ? null : `${value.region} ${place(value)}`].filter(Boolean);
    return el("li", {}, el("code", {}, value.name), ` ${value.type}`,
      el("small", {}, notes.join(", ")),
      el("small", {}, made ? usersOf(stage, number) : makerOf(stage, number)));
  }))];
}

const place = (value) => `${number(value.place)} … ${number(value.place + value.bytes)}`;

function makerOf(stage, value) {
  const maker = source(stage, value);
  return maker === undefined ? [] : ["from ", opLink(stage, maker)];
}

function usersOf(stage, value) {
  const isUser = (op) => !op.children.length && op.in.some((each) => isSame(stage, each, value));
  const users = stage.ops.filter(isUser).map((op) => op.number);
  const links = users.slice(0, 12).flatMap((op) => [", ", opLink(stage, op)]).slice(1);
  return users.length ? ["to ", ...links, users.length > 12 ? `, … ${users.length} in all` : ""] : [];
}

// Whether a value is another one, seen through the borders of regions.
function isSame(stage, value, other) {
  for (let at = value, i = 0; at !== undefined && i < 100; at = stage.values[at].same, i++) {
    if (at === other) return true;
  }
  return false;
}

function opLink(stage, number) {
  const op = stage.ops[number], where = shortWhere(op.where).name;
  return el("button", { class: "link", onclick: () =>
    show({ tab: "graph", stage: data.stages.indexOf(stage), op: number }) },
  where ? `${op.name} (${where})` : op.name);
}

function accuracyElements(op, stage) {
  if (!data.accuracy || stage.name !== "quantized") return [];
  const row = data.accuracy.find((each) => each.op === op.number);
  return row ? [el("h3", {}, "Accuracy"), el("dl", { class: "facts" },
    el("dt", {}, "steps from PyTorch"), el("dd", {}, number(row.steps)),
    el("dt", {}, "signal to noise against float"), el("dd", {}, decibels(row.snr)))] : [];
}

const decibels = (snr) => (typeof snr === "number" ? `${snr.toFixed(1)} dB` : snr);

// The operators of other stages that come from the same line and module.
function otherStages(op, stage) {
  if (!op.where) return [];
  const found = data.stages.filter((each) => each !== stage).map((each) => [each,
    each.ops.filter((other) => other.where === op.where).map((other) => other.number)]);
  const some = found.filter(([, ops]) => ops.length);
  if (!some.length) return [];
  return [el("h3", {}, "The same line in other stages"), el("ul", { class: "values" },
    some.map(([each, ops]) => el("li", {}, el("span", { class: "dim" }, `${each.name}: `),
      ops.slice(0, 5).flatMap((other) => [", ", opLinkPlain(each, other)]).slice(1),
      ops.length > 5 ? `, … ${ops.length} in all` : "")))];
}

function opLinkPlain(stage, number) {
  return el("button", { class: "link", onclick: () =>
    show({ tab: "graph", stage: data.stages.indexOf(stage), op: number }) },
  stage.ops[number].name);
}
