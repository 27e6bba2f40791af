// The views that are tables: cost, reasons, accuracy, precision.

// columns: [title, text or element of a row, number to sort by or null, class or nothing]
function table(columns, rows, { sorted = null, open = null, selected = null } = {}) {
  let by = sorted, ways = -1;
  const body = el("tbody");
  const fillBody = () => {
    const order = [...rows];
    if (by !== null) order.sort((a, b) => ways * (columns[by][2](a) - columns[by][2](b)));
    body.replaceChildren(...order.map((row) => rowOf(row)));
  };
  const rowOf = (row) => {
    const target = open ? open(row) : null;
    const made = el("tr", target ? { class: "target", tabindex: 0, onclick: target,
      onkeydown: (event) => {
        if (event.key === "Enter") target();
      } } : {}, columns.map(([, cell, key, look]) =>
      el("td", { class: look || (key ? "number" : null) }, cell(row))));
    if (selected && selected(row)) made.classList.add("selected");
    return made;
  };
  const head = columns.map(([title, , key], i) => el("th", {
    class: key ? "number" : null, scope: "col",
  }, key ? el("button", { title: "sort", onclick: () => {
    ways = by === i ? -ways : -1;
    by = i;
    fillBody();
  } }, title) : title));
  fillBody();
  return el("table", {}, el("thead", {}, el("tr", {}, head)), body);
}

const blank = (value) => (value ? number(value) : "");

function share(value, most, kind) {
  return el("span", { class: `share ${kind}` },
    el("i", { style: { width: `${most ? Math.round((120 * value) / most) : 0}px` } }));
}

function drawCost(view) {
  const ops = planned.ops.filter((op) => op.step !== undefined && (!state.query || matches(op)));
  byId("found").textContent = state.query ? `${ops.length} operators` : "";
  const parts = [el("h2", {}, "Kernels"), kernelTable(ops)];
  if (figures.delegates.length) parts.push(el("h2", {}, "On the NPU, as Vela estimates"), npuTable());
  parts.push(el("h2", {}, "Calls in order of execution"), stepTable(ops));
  view.replaceChildren(el("div", { class: "tables" }, parts));
}

const openOp = (op) => () => show({ stage: data.stages.indexOf(planned), op: op.number });

function kernelTable(ops) {
  const kernels = new Map();
  for (const op of ops) {
    const step = stepOf(op);
    const sum = kernels.get(op.name) ||
      { name: op.name, kind: op.kind, calls: 0, products: 0, bytes: 0, instructions: 0 };
    sum.calls += 1;
    sum.products += op.macs ?? step.multiplications;
    sum.bytes += step.bytes;
    if (data.instructions) sum.instructions += data.instructions.steps[op.step];
    kernels.set(op.name, sum);
  }
  const rows = [...kernels.values()], key = data.instructions ? "instructions" : "products";
  const most = Math.max(1, ...rows.map((row) => row[key]));
  return table([
    ["kernel", (row) => row.name, null],
    ["calls", (row) => number(row.calls), (row) => row.calls],
    ["products", (row) => blank(row.products), (row) => row.products],
    ["bytes read and written", (row) => number(row.bytes), (row) => row.bytes],
    ...(data.instructions ? [["instructions", (row) => number(row.instructions),
      (row) => row.instructions]] : []),
    [`share of ${key}`, (row) => share(row[key], most, row.kind), null],
  ], rows, { sorted: key === "products" ? 2 : 4 });
}

function stepTable(ops) {
  return table([
    ["step", (op) => number(op.step), (op) => -op.step],
    ["kernel", (op) => op.name, null],
    ["source", (op) => whereText(op.where), null, "narrow"],
    ["result", (op) => planned.values[op.out[0]]?.type ?? "", null],
    ["products", (op) => blank(METRICS.products(op)), METRICS.products],
    ["bytes", (op) => number(stepOf(op).bytes), (op) => stepOf(op).bytes],
    ...(data.instructions ? [["instructions", (op) => number(data.instructions.steps[op.step]),
      (op) => data.instructions.steps[op.step]]] : []),
  ], ops, { open: openOp, selected: (op) => op.number === state.op });
}

function npuTable() {
  const operators = new Map();
  for (const call of figures.delegates) {
    for (const op of call.figures.ops) {
      const sum = operators.get(op.operator) || { name: op.operator, ops: 0, cycles: 0, macs: 0 };
      sum.ops += 1;
      sum.cycles += op.cycles;
      sum.macs += op.macs;
      operators.set(op.operator, sum);
    }
  }
  const rows = [...operators.values()], most = Math.max(1, ...rows.map((row) => row.cycles));
  return table([
    ["NPU operator", (row) => row.name, null],
    ["operators", (row) => number(row.ops), (row) => row.ops],
    ["products", (row) => blank(row.macs), (row) => row.macs],
    ["cycles", (row) => number(row.cycles), (row) => row.cycles],
    ["share of cycles", (row) => share(row.cycles, most, "npu"), null],
  ], rows, { sorted: 3 });
}

function whereText(where) {
  const short = shortWhere(where);
  return el("span", { title: where || "" }, short.name, " ",
    el("span", { class: "dim" }, short.file));
}

// Equal operators with equal reasons are one row.
function grouped(entries) {
  const found = new Map();
  for (const entry of entries) {
    const key = JSON.stringify([entry.op, entry.reason, entry.is_float]);
    if (!found.has(key)) found.set(key, { ...entry, where: [] });
    found.get(key).where.push(entry.location);
  }
  return [...found.values()].sort((a, b) => b.where.length - a.where.length);
}

const outside = figures.outside.filter((entry) => !entry.op.startsWith("quant."));
const reasonCount = figures.fallbacks.length + outside.length;

function drawReasons(view) {
  const parts = [];
  const add = (title, none, entries) => {
    parts.push(el("h2", {}, title));
    parts.push(entries.length ? reasonTable(grouped(entries)) : el("p", { class: "dim" }, none));
  };
  add("In float", "No operator computes in float.", figures.fallbacks.filter((f) => f.is_float));
  const integer = figures.fallbacks.filter((f) => !f.is_float);
  if (integer.length) add("Integers on a portable kernel", "", integer);
  if (figures.target.includes("+ethos")) {
    add("Not on the NPU", "Every operator is on the NPU.", outside);
  }
  if (figures.limits.length) {
    parts.push(el("h2", {}, "Searches that ended early"),
      ...figures.limits.map((limit) => el("p", {}, limit)));
  }
  view.replaceChildren(el("div", { class: "tables" }, parts));
}

function reasonTable(rows) {
  return table([
    ["operators", (row) => number(row.where.length), (row) => row.where.length],
    ["operator", (row) => row.op, null],
    ["why", (row) => row.reason, null],
    ["where", (row) => [...new Set(row.where)].slice(0, 6).map((where) =>
      el("div", {}, reasonLink(row, where))).concat(
      row.where.length > 6 ? [el("div", { class: "dim" }, `… ${row.where.length} in all`)] : []), null],
  ], rows);
}

// The operator in the stage that has it under this name.
function reasonLink(row, where) {
  const last = [...data.stages].reverse();
  const stage = last.find((each) => each.ops.some((op) => op.name === row.op && (op.where || null) === where));
  if (!stage) return whereText(where);
  const op = stage.ops.find((each) => each.name === row.op && (each.where || null) === where);
  return el("button", { class: "link", onclick: () =>
    show({ tab: "graph", stage: data.stages.indexOf(stage), op: op.number }) },
  where ? whereText(where) : stage.name);
}

function drawAccuracy(view) {
  const quantized = data.stages.findIndex((stage) => stage.name === "quantized");
  const worst = (row) => (typeof row.snr === "number" ? row.snr : row.snr === "exact" ? 1e9 : -1e9);
  const ops = data.stages[quantized].ops;
  view.replaceChildren(el("div", { class: "tables" },
    el("p", { class: "dim" }, "Each quantized value on the samples given, from the network's input " +
      "on: the kernels against PyTorch's simulation, in steps of the value, and against float."),
    table([
      ["operator", (row) => ops[row.op].name, null],
      ["source", (row) => whereText(ops[row.op].where), null],
      ["steps from PyTorch", (row) => number(row.steps), (row) => row.steps],
      ["signal to noise against float", (row) => decibels(row.snr), worst],
    ], data.accuracy, { open: (row) => () => show({ stage: quantized, op: row.op }),
      selected: (row) => state.stage === quantized && row.op === state.op })));
}

function drawPrecision(view) {
  const { layers, snr, snr_int8: before } = figures.precision;
  const noise = (ratio) => (ratio > 0 ? `${(-10 * Math.log10(ratio)).toFixed(1)} dB` : "exact");
  const total = (value) => (value === null ? "exact" : `${value.toFixed(1)} dB`);
  view.replaceChildren(el("div", { class: "tables" },
    el("p", {}, `Outputs in int8: ${total(before)}. As chosen: ${total(snr)}.`),
    el("p", { class: "dim" }, "What the rounding of each layer alone does to the outputs."),
    table([
      ["layer", (row) => row.layer, null], ["operator", (row) => row.operator, null],
      ["what", (row) => row.what, null],
      ["bits", (row) => String(row.bits), (row) => row.bits],
      ["in 8 bits", (row) => noise(row.error_before), (row) => row.error_before],
      ["as chosen", (row) => noise(row.error_after), (row) => row.error_after],
      ["more bytes", (row) => blank(row.bytes), (row) => row.bytes],
      ["more products", (row) => blank(row.products), (row) => row.products],
    ], layers)));
}

function stripsTable() {
  if (!figures.row_strips.length) return null;
  return el("div", { class: "strips" }, el("h3", {}, "Runs of calls in strips of rows"), table([
    ["from", (row) => whereText(row.first), null], ["to", (row) => whereText(row.last), null],
    ["calls", (row) => number(row.calls), (row) => row.calls],
    ["strips", (row) => number(row.strips), (row) => row.strips],
    ["extra calls", (row) => number(row.extra_calls), (row) => row.extra_calls],
    ["extra products", (row) => number(row.extra_products), (row) => row.extra_products],
  ], figures.row_strips));
}
