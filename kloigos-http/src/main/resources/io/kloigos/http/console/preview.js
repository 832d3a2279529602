// Asks the API what a request would do while the request is still being typed. Only the newest answer counts.

export function createPreview(client, changed, delay = 250) {
  let timer = null;
  let newest = 0;
  const preview = { state: 'none', answer: null, error: null };

  async function ask(method, path, body, mine) {
    let outcome;
    try {
      outcome = { state: 'known', answer: (await client.send(method, path, { body })).data, error: null };
    } catch (error) {
      outcome = { state: 'refused', answer: null, error };
    }
    if (mine === newest) {
      Object.assign(preview, outcome);
      changed();
    }
  }

  preview.of = (method, path, body) => {
    clearTimeout(timer);
    const mine = ++newest;
    preview.state = 'asking';
    timer = setTimeout(() => ask(method, path, body, mine), delay);
    changed();
  };
  preview.forget = () => {
    clearTimeout(timer);
    newest++;
    Object.assign(preview, { state: 'none', answer: null, error: null });
  };
  return preview;
}

/** The address of a request with its query; a dry run changes nothing. */
export function address(path, query, isDryRun) {
  const all = new URLSearchParams(query);
  if (isDryRun) all.set('dry_run', 'true');
  const text = all.toString();
  return path + (text ? `?${text}` : '');
}
