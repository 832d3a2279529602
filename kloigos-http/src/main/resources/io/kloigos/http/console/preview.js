// Asks the API what a request would do while the request is still being typed. Only the newest answer counts.

export function createPreview(client, changed, delay = 250) {
  let timer = null;
  let newest = 0;
  const preview = { state: 'none', answer: null, error: null };

  async function ask(route, parts, mine) {
    let outcome;
    try {
      const query = { ...parts.query, dry_run: true };
      outcome = { state: 'known', answer: (await client.send(route, { ...parts, query })).data, error: null };
    } catch (error) {
      outcome = { state: 'refused', answer: null, error };
    }
    if (mine === newest) {
      Object.assign(preview, outcome);
      changed();
    }
  }

  preview.of = (route, parts) => {
    clearTimeout(timer);
    const mine = ++newest;
    preview.state = 'asking';
    timer = setTimeout(() => ask(route, parts, mine), delay);
    changed();
  };
  preview.forget = () => {
    clearTimeout(timer);
    newest++;
    Object.assign(preview, { state: 'none', answer: null, error: null });
  };
  return preview;
}
