// Which page the address names, and the part of a page's state that is kept in the address.

const WRITE_MILLIS = 200;

export function createRouter(pages, changed) {
  let search = location.search;
  let writing = null;

  // Browsers are slow at changing the address, and refuse to do it at every key.
  function writeSoon() {
    writing ??= setTimeout(write, WRITE_MILLIS);
  }

  function write() {
    if (writing !== null) {
      clearTimeout(writing);
      writing = null;
      history.replaceState(null, '', location.pathname + search);
    }
  }

  function match() {
    for (const [pattern, page] of pages) {
      const names = [];
      const expression = pattern.replace(/:([a-z]+)/g, (_, name) => {
        names.push(name);
        return '([^/]+)';
      });
      const found = new RegExp(`^${expression}/?$`).exec(location.pathname);
      if (found) {
        const parameters = Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1])]));
        return { page, parameters, path: location.pathname };
      }
    }
    return null;
  }

  const router = {
    current: match(),
    get query() { return new URLSearchParams(search); },
    go(path) {
      write();
      history.pushState(null, '', path);
      arrive();
    },
    /** Changes what is kept in the address; null takes a name out. */
    keep(values) {
      const query = router.query;
      for (const [name, value] of Object.entries(values)) {
        if (value === null || value === '') query.delete(name);
        else query.set(name, value);
      }
      const text = query.toString();
      search = text ? `?${text}` : '';
      writeSoon();
      changed(false);
    },
  };

  function arrive() {
    const before = router.current?.path;
    router.current = match();
    search = location.search;
    changed(before !== location.pathname);
  }

  function isOwnLink(link, event) {
    return link && link.origin === location.origin && !link.hasAttribute('download') && !link.target
      && !link.pathname.startsWith('/api/') && !event.defaultPrevented && event.button === 0
      && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) && !(link.hash && link.pathname === location.pathname);
  }

  addEventListener('popstate', () => {
    clearTimeout(writing);
    writing = null;
    arrive();
  });
  document.addEventListener('click', event => {
    const link = event.target.closest?.('a[href]');
    if (isOwnLink(link, event)) {
      event.preventDefault();
      router.go(link.pathname + link.search);
    }
  });
  return router;
}
