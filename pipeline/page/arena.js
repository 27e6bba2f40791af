// The arena: addresses against time. A block is a value in its place for as long as it lives.

const LEFT = 74, TOP = 22, HEIGHT = 380, CHART = 62, GAP = 34;

function drawArena(view) {
  const arena = data.arena;
  const box = el("div", { id: "arena" });
  view.replaceChildren(el("div", { class: "toolbar" },
    el("span", { class: "choice", role: "group", "aria-label": "Width" }, [1, 2, 4, 8].map((zoom) =>
      el("button", { "aria-pressed": String(zoom === state.zoom), onclick: () => show({ zoom }) },
        `${zoom}×`))),
    arenaLegend()), box);
  if (!arena.size) {
    box.append(el("p", {}, "The arena is empty."));
    return;
  }
  box.append(el("p", { class: "dim" }, `${bytes(arena.size)} of arena, lower bound for this order ` +
    `of operators ${number(figures.arena_bound)}. At the peak, ${peakName()}, ` +
    `${number(arena.live[arena.peak])} bytes hold a value.` + (figures.dtcm_bytes ? ` ${bytes(figures.dtcm_bytes)} of dtcm, not drawn ` +
    `here, have ${percent(figures.dtcm_traffic, 1)} of what calls read and write.` : "")));
  const room = Math.max(500, view.clientWidth - 40);
  box.append(el("div", { class: "scroll" }, arenaPicture(arena, room * state.zoom)));
  const strips = stripsTable();
  if (strips) box.append(strips);
}

const columnOp = (column) => data.arena.columns[column];

function columnName(column) {
  const op = columnOp(column);
  if (op >= 0) return planned.ops[op].name;
  return column === 0 ? "the inputs" : "the outputs";
}

// The number of a column's step, as in the table of costs.
function stepText(column) {
  const op = columnOp(column);
  return op >= 0 ? String(planned.ops[op].step) : column === 0 ? "in" : "out";
}

const peakName = () => columnName(data.arena.peak);

function blockKind([value, , , , , kept]) {
  const found = planned.values[value], maker = planned.ops[found.from];
  if (kept) return "state";
  if (found.what === "scratch") return "scratch";
  return maker ? maker.kind : "view";
}

const BLOCKS = { border: "input", state: "state", core: "result of a kernel", npu: "result of the NPU",
  float: "float", cast: "quantized or dequantized", move: "moved bytes", scratch: "scratch",
  loop: "loop", view: "other" };

function arenaLegend() {
  const used = new Set(data.arena.blocks.map(blockKind));
  return el("span", { class: "legend" }, Object.keys(BLOCKS).filter((kind) => used.has(kind)).map(
    (kind) => el("span", { class: kind }, el("i"), BLOCKS[kind])));
}

function arenaPicture(arena, width) {
  const columns = arena.columns.length;
  const x = (column) => LEFT + (column * (width - LEFT - 12)) / columns;
  const y = (address) => TOP + HEIGHT - (address * HEIGHT) / arena.size;
  const picture = svg("svg", { width, height: TOP + HEIGHT + GAP + CHART + 26, role: "group",
    class: (width - LEFT) / columns < 8 ? "fine" : null,
    "aria-label": "Arena: addresses against time" });
  picture.append(...addressAxis(arena, y, width), ...timeAxis(arena, x, y));
  arena.blocks.forEach((block, i) => picture.append(...blockElements(block, i, x, y)));
  picture.append(...peakElements(arena, x, y), ...liveChart(arena, x, width));
  return picture;
}

// A round distance between ticks: 1, 2 or 5 times a power of ten.
function tickStep(most, count) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, most / count)));
  return [1, 2, 5, 10].map((n) => n * unit).find((step) => most / step <= count) || unit * 10;
}

function addressAxis(arena, y, width) {
  const made = [], step = tickStep(arena.size, 8);
  for (let address = 0; address <= arena.size; address += step) {
    made.push(svg("line", { class: "tick", x1: LEFT, x2: width - 12, y1: y(address), y2: y(address) }),
      svg("text", { x: LEFT - 7, y: y(address) + 4, "text-anchor": "end" }, number(address)));
  }
  made.push(svg("text", { x: 6, y: 13 }, "address"));
  return made;
}

function timeAxis(arena, x, y) {
  const made = [], columns = arena.columns.length, step = Math.max(1, tickStep(columns, 16));
  for (let column = 0; column < columns; column += step) {
    made.push(svg("text", { x: (x(column) + x(column + 1)) / 2, y: y(0) + 16, "text-anchor": "middle" },
      stepText(column)));
  }
  made.push(svg("text", { x: x(columns), y: y(0) + 30, "text-anchor": "end" },
    "step, in order of execution →"));
  return made;
}

function blockElements(block, i, x, y) {
  const [value, offset, size, first, last] = block;
  const left = x(first), width = x(last + 1) - left, top = y(offset + size), height = y(offset) - top;
  const kind = blockKind(block), name = planned.values[value].name;
  const choose = () => selectBlock(block);
  const made = [svg("rect", {
    class: `block ${kind}${i % 2 ? " second" : ""}`, x: left + 0.5, y: top + 0.5,
    width: Math.max(1, width - 1), height: Math.max(1, height - 1), rx: Math.min(width, height) > 8 ? 2 : 0, "data-block": i,
    tabindex: 0, role: "button", "aria-label": blockText(block),
    onclick: choose,
    onkeydown: (event) => {
      if (event.key === "Enter") choose();
    },
    onpointermove: (event) => tip(blockText(block), event), onpointerleave: () => tip(null),
  })];
  const letters = Math.floor((width - 8) / 7.3);
  if (height >= 15 && letters >= 5) {
    const label = name.length <= letters ? name : `${name.slice(0, letters - 1)}…`;
    made.push(svg("text", { class: "label", x: left + 5, y: top + height / 2 + 4 }, label));
  }
  return made;
}

const columnText = (column) => (columnOp(column) < 0 ? columnName(column) :
  `${columnName(column)} (step ${stepText(column)})`);

function blockText([value, offset, size, first, last, kept]) {
  const found = planned.values[value];
  const what = kept ? ", state" : found.what ? `, ${found.what}` : "";
  return `${found.name}${what}\n${found.type}, ${bytes(size)}\nbytes ${number(offset)} … ${
    number(offset + size)}\nfrom ${columnText(first)} to ${columnText(last)}`;
}

function selectBlock(block) {
  const [value, , , first] = block;
  const maker = planned.values[value].from, at = maker === undefined ? columnOp(first) : maker;
  show({ stage: data.stages.indexOf(planned), op: at >= 0 ? at : null });
}

function markBlocks() {
  for (const rect of byId("arena").querySelectorAll(".block")) {
    const [value, , , first] = data.arena.blocks[Number(rect.dataset.block)];
    const maker = planned.values[value].from ?? columnOp(first);
    const selected = currentStage() === planned && state.op !== null && maker === state.op;
    rect.classList.toggle("selected", selected);
  }
}

function peakElements(arena, x, y) {
  const left = x(arena.peak), middle = (left + x(arena.peak + 1)) / 2, low = y(0), high = y(arena.size);
  const anchor = middle < LEFT + 90 ? "start" : middle > x(arena.columns.length) - 90 ? "end" : "middle";
  return [svg("rect", { class: "peak", x: left, y: high, width: x(arena.peak + 1) - left,
    height: low - high, "pointer-events": "none" }),
  svg("text", { class: "peak", x: middle, y: high - 6, "text-anchor": anchor },
    `peak ${bytes(arena.live[arena.peak])}`)];
}

// How many bytes hold a value at each step.
function liveChart(arena, x, width) {
  const base = TOP + HEIGHT + GAP + CHART, most = Math.max(...arena.live);
  let d = `M${x(0)} ${base}`;
  arena.live.forEach((live, column) => {
    d += `V${base - (CHART * live) / most}H${x(column + 1)}`;
  });
  return [svg("path", { class: "live", d: `${d}V${base}Z` }),
    svg("line", { class: "tick", x1: LEFT, x2: width - 12, y1: base, y2: base }),
    svg("text", { x: LEFT - 7, y: base - CHART + 10, "text-anchor": "end" }, number(most)),
    svg("text", { x: LEFT, y: base + 16 }, "bytes that hold a value")];
}

function tip(text, event) {
  const old = byId("tip");
  if (old) old.remove();
  if (text === null) return;
  const made = el("div", { id: "tip", style: {
    left: `${Math.min(event.clientX + 14, innerWidth - 390)}px`,
    top: `${Math.min(event.clientY + 14, innerHeight - 110)}px` } }, text);
  document.body.append(made);
}
