(() => {
  "use strict";
  const PAGE = 100; // files that are put into the page at once
  const all = (query, root = document) => Array.from(root.querySelectorAll(query));
  const byId = (id) => document.getElementById(id);
  const plural = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
  // Texts of the repository become text nodes, never markup.
  const make = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  };
  const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  all("[data-needs-script]").forEach((node) => { node.hidden = false; });

  // The list for a person: it is in the page, and is only shown or hidden.
  all("form[data-filter]").forEach((form) => {
    const target = byId(form.dataset.filter);
    const groups = all("[data-group]", target).map((node) => [node, all("[data-row]", node)]);
    const texts = new Map(groups.flatMap(([, rows]) => rows).map((row) => [row, row.textContent.toLowerCase()]));
    const output = form.querySelector("output");
    const apply = () => {
      const words = wordsOf(form.elements.q.value);
      const chosen = all("select", form).filter((select) => select.value !== "");
      let shown = 0;
      groups.forEach(([group, rows]) => {
        let here = 0;
        rows.forEach((row) => {
          const fits = words.every((word) => texts.get(row).includes(word)) && chosen.every((select) =>
            select.name === "owners" ? row.dataset.owners.split("\n").includes(select.value)
              : row.dataset[select.name] === select.value);
          row.hidden = !fits;
          if (fits) here += 1;
        });
        group.hidden = here === 0;
        shown += here;
      });
      output.textContent = words.length || chosen.length ? `${shown} of ${texts.size} shown` : "";
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    apply();
  });

  // The edits: data, from which markup is made when it is wanted.
  const list = byId("edits-list");
  let printAll = () => {};
  if (list) {
    const data = JSON.parse(byId("edit-data").textContent);
    const form = byId("edits-filter"), output = form.querySelector("output"), more = byId("edits-more");
    let found = [], rendered = 0;

    const haystack = (file) => {
      if (file.texts === undefined) {
        const head = `${file.path} ${file.to} `;
        file.texts = file.hunks.map((hunk) => (head + [...hunk[2], ...hunk[3]].join("\n") + " "
          + hunk[5].map((n) => `${file.edits[n][3]} ${data.rules[file.edits[n][2]][0]}`).join(" ")).toLowerCase());
      }
      return file.texts;
    };
    const matching = (file, words, pick) => {
      if (pick.member !== "" && file.member !== Number(pick.member)) return [];
      if (pick.owner === "none" ? file.owners.length : pick.owner !== "" && !file.owners.includes(Number(pick.owner))) return [];
      return file.hunks.map((hunk, number) => number).filter((number) => {
        const fits = file.hunks[number][5].some((n) => {
          const [, stage, rule] = file.edits[n], [, kind, confidence] = data.rules[rule];
          return (pick.kind === "" || kind === pick.kind) && (pick.confidence === "" || confidence === pick.confidence)
            && (pick.stage === "" || String(stage) === pick.stage);
        });
        return fits && words.every((word) => haystack(file)[number].includes(word));
      });
    };

    // What differs within a line that stands for another one.
    const marked = (text, other) => {
      if (other === undefined) return [text];
      let start = 0, end = 0;
      const most = Math.min(text.length, other.length);
      while (start < most && text[start] === other[start]) start += 1;
      while (end < most - start && text[text.length - 1 - end] === other[other.length - 1 - end]) end += 1;
      if (start + end === 0 || start + end === text.length) return [text];
      return [text.slice(0, start), make("mark", "", text.slice(start, text.length - end)), text.slice(text.length - end)];
    };
    const row = (kind, number, parts, said) => {
      const body = make(kind || "span", "text", ...(said ? [make("span", "unseen", said)] : []), ...parts);
      return make("div", `row ${kind}`, make("span", "number", number), body);
    };
    const drawHunk = (file, [line, above, before, after, below, edits]) => {
      const why = make("ul", "why");
      edits.forEach((n) => {
        const [, stage, rule, reason] = file.edits[n], [name, kind, confidence, about] = data.rules[rule];
        const code = make("code", "", name);
        code.title = about;
        why.append(make("li", "", make("span", "badge", kind), " ", make("span", `badge ${confidence}`, confidence), " ",
          make("span", "reason", reason), " ", make("span", "muted", "rule ", code, `, stage ${stage} ${data.stages[stage] || ""}`)));
      });
      const same = before.length === after.length;
      const code = make("div", "code");
      code.tabIndex = 0;
      code.setAttribute("role", "group");
      code.setAttribute("aria-label", `${file.path}, line ${line}`);
      above.forEach((text, i) => code.append(row("", line - above.length + i, [text])));
      before.forEach((text, i) => code.append(row("del", line + i, marked(text, same ? after[i] : undefined), "before: ")));
      after.forEach((text, i) => code.append(row("ins", "", marked(text, same ? before[i] : undefined), "after: ")));
      below.forEach((text, i) => code.append(row("", line + before.length + i, [text])));
      return make("div", "hunk", code, why);
    };
    const fill = (details) => {
      if (details.lastChild.className === "hunks") return;
      const [file, numbers] = details.entry;
      details.append(make("div", "hunks", ...numbers.map((number) => drawHunk(file, file.hunks[number]))));
    };
    const drawFile = (entry) => {
      const [file, numbers] = entry, details = make("details", "file");
      const count = numbers.reduce((sum, number) => sum + file.hunks[number][5].length, 0);
      const about = [plural(count, "edit"), data.members[file.member], file.owners.map((n) => data.owners[n]).join(", ")];
      const head = make("summary", "", make("code", "path", file.path), make("span", "muted", about.filter(Boolean).join(" \u00b7 ")));
      if (file.to) head.append(make("span", "muted", "moves to ", make("code", "path", file.to)));
      details.append(head);
      details.entry = entry;
      details.addEventListener("toggle", () => { if (details.open) fill(details); });
      return details;
    };
    const showMore = (count) => {
      const part = document.createDocumentFragment();
      const next = Math.min(found.length, rendered + count);
      for (; rendered < next; rendered += 1) part.append(drawFile(found[rendered]));
      list.append(part);
      more.hidden = rendered === found.length;
      more.textContent = `Show ${Math.min(PAGE, found.length - rendered)} more of ${plural(found.length, "file")}`;
    };
    const openShown = (open) => all("details", list).forEach((node) => { if (open) fill(node); node.open = open; });
    const apply = () => {
      const words = wordsOf(form.elements.q.value), pick = {};
      ["member", "owner", "kind", "confidence", "stage"].forEach((name) => {
        pick[name] = form.elements[name] ? form.elements[name].value : "";
      });
      found = data.files.map((file) => [file, matching(file, words, pick)]).filter((entry) => entry[1].length);
      const edits = found.reduce((sum, [file, numbers]) => sum + numbers.reduce((s, n) => s + file.hunks[n][5].length, 0), 0);
      const active = words.length > 0 || Object.values(pick).some((value) => value !== "");
      list.replaceChildren();
      rendered = 0;
      showMore(PAGE);
      output.textContent = active ? `${plural(edits, "edit")} in ${plural(found.length, "file")}` : "";
      if (active && found.length <= 5) openShown(true);
    };
    let waiting = 0;
    form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 60); });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    all("button[data-open]", form).forEach((button) => {
      button.addEventListener("click", () => openShown(button.dataset.open === "yes"));
    });
    more.addEventListener("click", () => {
      const first = rendered;
      showMore(PAGE);
      list.children[first].firstChild.focus();
    });
    printAll = () => { showMore(found.length); openShown(true); };
    apply();
  }

  // The drawings: one of them at a time, each with its zoom; and the arrows of one package.
  const box = byId("drawings");
  if (box) {
    const panels = all("[data-drawing]", box), choice = all("input[name=drawing]", box);
    const choose = () => {
      const wanted = choice.find((input) => input.checked).value;
      panels.forEach((panel) => { panel.hidden = panel.dataset.drawing !== wanted; });
    };
    choice.forEach((input) => input.addEventListener("change", choose));
    choose();
    panels.forEach((panel) => {
      const view = panel.querySelector(".drawing"), svg = panel.querySelector("svg"), said = panel.querySelector("output");
      const wide = svg.width.baseVal.value, high = svg.height.baseVal.value;
      let scale = 1;
      const zoom = (to) => {
        const middle = [(view.scrollLeft + view.clientWidth / 2) / scale, (view.scrollTop + view.clientHeight / 2) / scale];
        scale = Math.min(4, Math.max(0.1, to));
        svg.style.width = `${wide * scale}px`;
        svg.style.height = `${high * scale}px`;
        view.scrollTo(middle[0] * scale - view.clientWidth / 2, middle[1] * scale - view.clientHeight / 2);
        said.textContent = `${Math.round(scale * 100)} %`;
      };
      const steps = { in: () => zoom(scale * 1.25), out: () => zoom(scale / 1.25), whole: () => zoom(1),
        fit: () => zoom(Math.min(view.clientWidth / wide, view.clientHeight / high, 1.5)) };
      all("button[data-zoom]", panel).forEach((button) => button.addEventListener("click", steps[button.dataset.zoom]));
      view.addEventListener("keydown", (event) => {
        const step = { "+": "in", "=": "in", "-": "out", "0": "whole", f: "fit" }[event.key];
        if (step && !event.ctrlKey && !event.metaKey && !event.altKey) { steps[step](); event.preventDefault(); }
      });
      view.addEventListener("wheel", (event) => {
        if (event.ctrlKey) { zoom(scale * (event.deltaY < 0 ? 1.1 : 1 / 1.1)); event.preventDefault(); }
      }, { passive: false });
      let from = null;
      view.addEventListener("pointerdown", (event) => {
        if (event.pointerType === "mouse" && event.button === 0) from = [event.clientX + view.scrollLeft, event.clientY + view.scrollTop];
      });
      view.addEventListener("pointermove", (event) => {
        if (from) view.scrollTo(from[0] - event.clientX, from[1] - event.clientY);
      });
      ["pointerup", "pointerleave"].forEach((name) => view.addEventListener(name, () => { from = null; }));

      const nodes = all("[data-node]", svg), lines = all("[data-used]", svg), select = panel.querySelector("select");
      const follow = (id) => {
        const near = new Set([id]);
        lines.forEach((line) => {
          const users = line.dataset.users.split(" "), touches = line.dataset.used === id || users.includes(id);
          line.classList.toggle("dim", !touches);
          if (line.dataset.used === id) users.forEach((user) => near.add(user));
          else if (touches) near.add(line.dataset.used);
        });
        nodes.forEach((other) => other.classList.toggle("dim", !near.has(other.dataset.node)));
        svg.classList.toggle("chosen", id !== "");
      };
      nodes.forEach((node) => {
        const option = make("option", "", node.querySelector("title").textContent);
        option.value = node.dataset.node;
        select.append(option);
        node.addEventListener("mouseenter", () => follow(node.dataset.node));
        node.addEventListener("mouseleave", () => { follow(select.value); svg.classList.toggle("chosen", select.value !== ""); });
      });
      select.addEventListener("change", () => follow(select.value));
    });
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    printAll();
    closed = all("details:not([open])");
    closed.forEach((node) => { node.open = true; });
  });
  addEventListener("afterprint", () => { closed.forEach((node) => { node.open = false; }); });
})();
