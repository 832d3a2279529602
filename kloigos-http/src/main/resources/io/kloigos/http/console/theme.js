// Light, dark, or as the system has it. Kept in the browser.

const THEMES = ['system', 'light', 'dark'];
const KEY = 'kloigos-theme';

export function createTheme(changed) {
  let theme = THEMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : 'system';

  function apply() {
    document.documentElement.dataset.theme = theme;
  }

  apply();
  return {
    get name() { return theme; },
    next() {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      localStorage.setItem(KEY, theme);
      apply();
      changed();
    },
  };
}
