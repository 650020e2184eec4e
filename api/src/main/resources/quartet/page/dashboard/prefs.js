// What this browser remembers: theme and language. A browser that keeps nothing still works.

export function remembered(name) {
  try {
    return localStorage.getItem(`quartet.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`quartet.${name}`, value);
  } catch {
    // Private windows may forbid it; the choice then lasts as long as the page.
  }
}

const THEMES = ['auto', 'light', 'dark'];
let theme = THEMES.includes(remembered('theme')) ? remembered('theme') : 'auto';

export function showTheme() {
  document.documentElement.dataset.theme = theme;
  return theme;
}

export function nextTheme() {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  remember('theme', theme);
  return showTheme();
}
