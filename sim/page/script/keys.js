// Keys for the window, wherever the focus is but in a field, a list or the mesh.
function listenToKeys(current) {
  document.addEventListener('keydown', (event) => {
    const view = current();
    if (!view || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest?.('input, select, textarea, [role="treegrid"] button')) return;
    const scrolls = event.target.closest?.('.scroll');
    const acts = {
      ArrowLeft: () => view.move(-0.25), ArrowRight: () => view.move(0.25), '+': () => view.zoom(0.5), '=': () => view.zoom(0.5),
      '-': () => view.zoom(2), '0': () => view.all(), Home: () => view.move(-1e9), End: () => view.move(1e9),
    };
    const act = acts[event.key];
    if (!act || (scrolls && event.key.startsWith('Arrow')) || (['Home', 'End'].includes(event.key) && view.span >= view.end)) return;
    event.preventDefault();
    act();
  });
}
