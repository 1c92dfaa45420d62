// Suggestions under a search box as one types (WAI-ARIA combobox with a list box). The form works without.
const WAIT = 120; // milliseconds without a key before anything is asked
let boxes = 0;

for (const input of document.querySelectorAll("input[data-suggest]")) attach(input);

function attach(input) {
  const id = `suggestions-${++boxes}`;
  const wrapper = document.createElement("div");
  wrapper.className = "suggest";
  input.replaceWith(wrapper);
  const list = document.createElement("ul");
  list.id = id;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.tabIndex = -1; // a list that scrolls would otherwise be a stop for Tab, and vanish under it
  list.setAttribute("aria-label", document.body.dataset.suggestionsWord || "");
  list.hidden = true;
  const told = document.createElement("span");
  told.className = "unseen";
  told.setAttribute("role", "status");
  wrapper.append(input, list, told);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id, autocomplete: "off",
  })) input.setAttribute(name, value);

  let timer = 0;
  let asked = 0;
  let chosen = -1;

  const close = () => {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (place) => {
    const options = list.children;
    if (options[chosen]) options[chosen].setAttribute("aria-selected", "false");
    chosen = (place + options.length) % options.length;
    options[chosen].setAttribute("aria-selected", "true");
    options[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[chosen].id);
  };
  const go = (option) => { location.href = option.dataset.href; };
  const show = (found) => {
    list.replaceChildren(...found.map((each, place) => {
      const option = document.createElement("li");
      option.id = `${id}-${place}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.href = each.href;
      const name = document.createElement("span");
      name.dir = "auto";
      name.textContent = each.label;
      const kind = document.createElement("small");
      kind.textContent = [each.type, each.publisher].filter(Boolean).join(" · ");
      option.append(name, " ", kind);
      option.addEventListener("pointerdown", (event) => { event.preventDefault(); go(option); });
      return option;
    }));
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    told.textContent = found.length ? `${found.length} ${list.getAttribute("aria-label")}` : "";
  };
  const ask = async () => {
    const number = ++asked;
    const typed = input.value.trim();
    if (typed.length < 2) return close();
    const address = new URL(input.dataset.suggest, location.href);
    address.searchParams.set("q", typed.slice(0, 200));
    address.searchParams.set("lang", document.documentElement.lang);
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      const found = answer.ok ? await answer.json() : [];
      if (number === asked && document.activeElement === input) show(found);
    } catch {
      close(); // no network: the form still works
    }
  };

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT); });
  input.addEventListener("blur", () => { asked++; close(); });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else mark(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      go(list.children[chosen]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
}
