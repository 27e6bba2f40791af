// The frame of the page: summary, tabs, search, keys.

const TABS = [
  ["graph", "Operators", drawGraph, true],
  ["arena", "Memory", drawArena, Boolean(data.arena)],
  ["cost", "Cost", drawCost, Boolean(planned)],
  ["reasons", reasonCount ? `Reasons (${reasonCount})` : "Reasons", drawReasons, true],
  ["accuracy", "Accuracy", drawAccuracy, Boolean(data.accuracy)],
  ["precision", "Precision", drawPrecision, Boolean(figures.precision)],
].filter(([, , , shown]) => shown);

function drawSummary() {
  byId("options").textContent =
    `${figures.target}, ${figures.io} in and out, kernels ${figures.kernels}`;
  const allocators = figures.method_allocator_bytes + figures.temp_allocator_bytes;
  const ram = figures.arena_bytes + figures.dtcm_bytes + allocators;
  const products = figures.steps.reduce((sum, step) => sum + step.multiplications, 0) +
    figures.delegates.reduce((sum, call) => sum + call.figures.macs, 0);
  const cards = [
    ["RAM", bytes(ram), `arena ${number(figures.arena_bytes)} + ${
      figures.dtcm_bytes ? `dtcm ${number(figures.dtcm_bytes)} + ` : ""}allocators ${
      number(allocators)}`, ""],
    ["Flash, .pte", bytes(figures.pte_bytes), `constants ${number(figures.constant_bytes)}`, ""],
    ["Float operators", number(figures.float_ops), figures.float_ops ? "see Reasons" :
      "all on integer kernels", figures.float_ops ? "bad" : "good"],
    ["Products", number(products), `in ${number(figures.steps.length)} calls`, ""],
  ];
  if (figures.delegates.length) {
    cards.push(["NPU cycles", number(figures.npu_cycles),
      `${figures.delegates.length} delegate${figures.delegates.length === 1 ? "" : "s"}, by Vela`, ""]);
  }
  if (data.instructions) {
    cards.push(["Instructions", number(data.instructions.total), "counted in QEMU", ""]);
  }
  byId("summary").replaceChildren(...cards.map(([title, figure, note, look]) =>
    el("div", { class: look }, el("dt", {}, title),
      el("dd", {}, el("div", { class: "figure" }, figure), el("div", { class: "note" }, note)))));
}

function drawTabs() {
  byId("tabs").replaceChildren(...TABS.map(([id, title]) => el("button", {
    role: "tab", id: `tab-${id}`, "aria-selected": String(id === state.tab), "aria-controls": "view",
    tabindex: id === state.tab ? 0 : -1, onclick: () => show({ tab: id }),
    onkeydown: (event) => {
      const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!way) return;
      const at = TABS.findIndex(([other]) => other === state.tab);
      show({ tab: TABS[(at + way + TABS.length) % TABS.length][0] });
      byId(`tab-${state.tab}`).focus();
    },
  }, title)));
  byId("view").setAttribute("aria-labelledby", `tab-${state.tab}`);
}

// Change what the page shows. Only the views that the change concerns are drawn again.
function show(change) {
  const before = { ...state };
  Object.assign(state, change);
  const changed = (...names) => names.some((name) => state[name] !== before[name]);
  if (changed("tab")) drawTabs();
  if (changed("tab", "query", "metric", "zoom") || (state.tab === "graph" && changed("stage"))) {
    const hadFocus = document.activeElement && document.activeElement.id === "graph";
    byId("found").textContent = "";
    const scroll = changed("tab", "stage", "query") ? 0 : byId("view").scrollTop;
    byId("view").scrollTop = scroll;
    TABS.find(([id]) => id === state.tab)[2](byId("view"));
    if (hadFocus && state.tab === "graph") byId("graph").focus();
  }
  if (state.tab === "graph" && changed("op")) {
    if (state.op !== null) revealRow();
    markSelection();
  }
  if (state.tab === "arena") markBlocks();
  if (changed("op", "stage")) drawDetails();
  tip(null);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest("input, select");
  if (event.key === "Escape" && (!field || field.id === "search")) {
    byId("search").value = "";
    show({ query: "" });
    if (field) byId("view").querySelector("[tabindex]")?.focus();
    return;
  }
  if (field) return;
  const stage = { "[": state.stage - 1, "]": state.stage + 1 }[event.key];
  if (event.key === "/") byId("search").focus();
  else if (stage !== undefined && data.stages[stage]) show({ tab: "graph", stage, op: null });
  else if (/^[1-6]$/.test(event.key) && TABS[event.key - 1]) show({ tab: TABS[event.key - 1][0] });
  else return;
  event.preventDefault();
}

let waiting = 0;
byId("search").addEventListener("input", (event) => {
  clearTimeout(waiting);
  waiting = setTimeout(() => show({ query: event.target.value.trim().toLowerCase() }), 120);
});
document.addEventListener("keydown", onKey);
addEventListener("resize", () => {
  if (state.tab === "arena") {
    drawArena(byId("view"));
    markBlocks();
  }
});
drawSummary();
drawTabs();
drawGraph(byId("view"));
drawDetails();
document.documentElement.dataset.ready = "true";
