// Light and dark: the system's choice until one is made here. What depends on colours or on width is drawn again.
function setTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  drawAll();
}

function themeChoice() {
  const theme = element('select', {id: 'theme', 'aria-label': 'Theme', onchange: () => setTheme(theme.value)},
    ['system', 'light', 'dark'].map((name) => element('option', {value: name, selected: name === (document.documentElement.dataset.theme ?? 'system')},
      name)));
  return element('label', {}, 'theme', theme);
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
let resized = 0;
addEventListener('resize', () => {
  clearTimeout(resized);
  resized = setTimeout(drawAll, 150);
});
