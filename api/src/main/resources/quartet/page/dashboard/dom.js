// Small help with the document. Nothing here knows what is shown.

export const $ = id => document.getElementById(id);

/** An element; `on` holds listeners, known properties are set as such, the rest as attributes. */
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key === 'on') Object.entries(value).forEach(([type, handler]) => node.addEventListener(type, handler));
    else if (key === 'class') node.className = value;
    else if (key === 'text') node.textContent = value;
    else if (key in node && key !== 'list' && key !== 'form') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

const PATHS = {
  pause: 'M8 5v14M16 5v14',
  play: 'M7 5l12 7-12 7z',
  close: 'M6 6l12 12M18 6L6 18',
  front: 'M5 4h14M12 20V8m-5 5l5-5 5 5',
  up: 'M12 19V6m-5 5l5-5 5 5',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.5 1.5m11 11L19 19M19 5l-1.5 1.5m-11 11L5 19',
  moon: 'M20 14A8.5 8.5 0 0110 4a8.5 8.5 0 1010 10z',
  auto: 'M12 3a9 9 0 100 18 9 9 0 000-18zM12 3v18M12 7h7M12 12h9M12 17h7',
  dice: 'M5 4h14a1 1 0 011 1v14a1 1 0 01-1 1H5a1 1 0 01-1-1V5a1 1 0 011-1zM8.5 8.5h.01M15.5 8.5h.01M12 12h.01M8.5 15.5h.01M15.5 15.5h.01',
  before: 'M15 5l-7 7 7 7',
  after: 'M9 5l7 7-7 7',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01',
};

/** A drawing that says nothing to screen readers: the button around it does. */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'glyph');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, click, more = {}) {
  return el('button', {type: 'button', class: 'quiet icon', title: label, 'aria-label': label, on: {click}, ...more}, icon(name));
}

/** Sets text only where it changes, so that selections and screen readers are left in peace. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/**
 * Makes the children of `parent` show `items`: nodes are kept by key, so that focus stays.
 * `create(item)` gives a node, `update(node, item)` fills it.
 */
export function keyed(parent, items, keyOf, create, update) {
  const before = new Map([...parent.children].map(node => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let node = before.get(key);
    before.delete(key);
    if (!node) {
      node = create(item);
      node.dataset.key = key;
    }
    update(node, item);
    if (node === place) {
      place = place.nextElementSibling;
    } else {
      const focused = node.contains(document.activeElement) ? document.activeElement : null;
      parent.insertBefore(node, place);
      focused?.focus();
    }
  }
  before.forEach(node => node.remove());
}

/** A short note that goes away by itself. */
export function toast(message, bad = false) {
  const note = el('div', {class: bad ? 'toast bad' : 'toast', text: message});
  $('toasts').append(note);
  setTimeout(() => note.remove(), bad ? 9000 : 4000);
}

/** Asks before something that cannot be undone. */
export function sure(question, yes) {
  const dialog = $('ask');
  text($('askText'), question);
  text($('askYes'), yes);
  return new Promise(resolve => {
    const end = answer => {
      dialog.close();
      resolve(answer);
    };
    $('askYes').onclick = () => end(true);
    $('askNo').onclick = () => end(false);
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
    $('askNo').focus();
  });
}
