// A document of the size that the scripts of our pages need, for where there is no browser.

class Style {
  setProperty(name, value) {
    this[name] = value;
  }
}

class Node {
  constructor(tag, attributes = {}) {
    this.tagName = tag;
    this.attributes = {};
    this.childNodes = [];
    this.parentElement = null;
    this.style = new Style();
    this.listeners = {};
    this.dataset = {};
    this.value = "";
    this.clientWidth = 800;
    this.offsetLeft = this.offsetTop = 0;
    for (const [name, value] of Object.entries(attributes)) this.setAttribute(name, value);
  }
  setAttribute(name, value) {
    this.attributes[name] = String(value);
    if (name.startsWith("data-")) this.dataset[name.slice(5)] = String(value);
  }
  getAttribute(name) {
    return this.attributes[name] ?? null;
  }
  removeAttribute(name) {
    delete this.attributes[name];
  }
  get id() {
    return this.attributes.id ?? "";
  }
  set id(value) {
    this.attributes.id = value;
  }
  get className() {
    return this.attributes.class ?? "";
  }
  set className(value) {
    this.attributes.class = value;
  }
  get title() {
    return this.attributes.title ?? "";
  }
  get hidden() {
    return "hidden" in this.attributes;
  }
  set hidden(is) {
    if (is) this.attributes.hidden = "";
    else delete this.attributes.hidden;
  }
  get classList() {
    const names = () => this.className.split(" ").filter(Boolean);
    const keep = (name, is) => (this.className = [...names().filter((one) => one !== name), ...(is ? [name] : [])].join(" "));
    return { add: (name) => keep(name, true), remove: (name) => keep(name, false), toggle: (name, is) => keep(name, is) };
  }
  get children() {
    return this.childNodes.filter((child) => child instanceof Node);
  }
  get firstChild() {
    return this.childNodes[0] ?? null;
  }
  get textContent() {
    return this.childNodes.map((child) => (child instanceof Node ? child.textContent : child)).join("");
  }
  set textContent(text) {
    this.replaceChildren(String(text));
  }
  append(...children) {
    for (const child of children) {
      if (child instanceof Node && child.tagName === "#fragment") this.append(...child.childNodes);
      else {
        if (child instanceof Node) {
          child.remove();
          child.parentElement = this;
        }
        this.childNodes.push(child instanceof Node ? child : String(child));
      }
    }
  }
  replaceChildren(...children) {
    this.childNodes = [];
    this.append(...children);
  }
  remove() {
    if (this.parentElement) this.parentElement.childNodes = this.parentElement.childNodes.filter((one) => one !== this);
    this.parentElement = null;
  }
  addEventListener(name, listener) {
    (this.listeners[name] ??= []).push(listener);
  }
  dispatchEvent(event) {
    event.target ??= this;
    for (const listener of this.listeners[event.type] ?? []) listener.call(this, event);
    this[`on${event.type}`]?.(event);
    if (event.bubbles) this.parentElement?.dispatchEvent(event);
  }
  click() {
    this.dispatchEvent(new Event("click", { bubbles: true }));
  }
  focus() {
    this.dispatchEvent(new Event("focus"));
  }
  scrollIntoView() {}
  getBoundingClientRect() {
    return { left: 0, top: 0, width: 800, height: 100 };
  }
  getContext() {
    const nothing = () => ({ width: 10 });
    return new Proxy({}, { get: () => nothing, set: () => true });
  }
  descendants() {
    return this.children.flatMap((child) => [child, ...child.descendants()]);
  }
  querySelectorAll(selector) {
    return this.descendants().filter((one) => matches(one, selector.trim().split(/\s+/)));
  }
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
}

// Descendants, next siblings ("+"), and tags, ids, classes and attributes alone or together.
function matches(element, parts) {
  const last = parts[parts.length - 1];
  if (!fits(element, last)) return false;
  const rest = parts.slice(0, -1);
  if (!rest.length) return true;
  if (rest[rest.length - 1] === "+") {
    const beside = element.parentElement?.children ?? [];
    const before = beside[beside.indexOf(element) - 1];
    return Boolean(before) && matches(before, rest.slice(0, -1));
  }
  for (let above = element.parentElement; above; above = above.parentElement) if (matches(above, rest)) return true;
  return false;
}

function fits(element, part) {
  return part.match(/^[\w-]+|[#.][\w-]+|\[[^\]]+\]/g).every((one) => {
    if (one[0] === "#") return element.id === one.slice(1);
    if (one[0] === ".") return element.className.split(" ").includes(one.slice(1));
    if (one[0] === "[") {
      const [name, value] = one.slice(1, -1).split("=");
      return element.getAttribute(name) === (value?.replaceAll('"', "") ?? element.getAttribute(name)) && element.getAttribute(name) !== null;
    }
    return element.tagName === one;
  });
}

class Event {
  constructor(type, options = {}) {
    Object.assign(this, options, { type });
  }
  preventDefault() {}
}

function grown([tag, attributes, children]) {
  const element = new Node(tag, attributes);
  element.append(...children.map((child) => (typeof child === "string" ? child : grown(child))));
  return element;
}

// Run the scripts of a page one after the other, and write what the last of them found.
function run(tree, scripts) {
  const root = grown(tree);
  const timers = [];
  const window = new Node("#window");
  const made = {
    document: {
      documentElement: root,
      body: root.querySelector("body"),
      createElement: (tag) => new Node(tag),
      createElementNS: (_, tag) => new Node(tag),
      createDocumentFragment: () => new Node("#fragment"),
      getElementById: (id) => root.querySelectorAll(`#${id}`)[0] ?? null,
      querySelector: (selector) => root.querySelector(selector),
      querySelectorAll: (selector) => root.querySelectorAll(selector),
    },
    Event,
    KeyboardEvent: Event,
    ImageData: class {
      constructor(width, height) {
        this.data = new Uint8ClampedArray(4 * width * height);
      }
    },
    getComputedStyle: () => ({ fontFamily: "sans", getPropertyValue: () => "#123456" }),
    matchMedia: () => ({ matches: false, addEventListener: () => {} }),
    addEventListener: window.addEventListener.bind(window),
    setTimeout: (task) => timers.push(task),
    Plotly: {
      react(place, data) {
        const chart = typeof place === "string" ? made.document.getElementById(place) : place;
        Object.assign(chart, { data, on: () => {}, removeAllListeners: () => {} });
        chart.replaceChildren(new Node("svg", { class: "main-svg" }));
      },
      restyle: () => {},
      relayout: () => {},
    },
  };
  Object.assign(window, made);
  Object.assign(globalThis, made, { window });
  for (const code of scripts) {
    try {
      (0, eval)(code);
    } catch (error) {
      window.testErrors.push(String(error));
    }
    globalThis.testErrors = window.testErrors;
  }
  timers.forEach((task) => task());
  process.stdout.write(root.querySelector("#test-answer").textContent);
}
