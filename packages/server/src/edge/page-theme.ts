/** Colours of pages that the server renders: tokens of the dashboard, which a test compares with them. */
export const PAGE_THEME = `
:root {
  color-scheme: light dark;
  --bg: light-dark(#fbfbfa, #0e0f11);
  --surface: light-dark(#ffffff, #15171a);
  --line: light-dark(#e7e6e3, #25282d);
  --line-strong: light-dark(#d3d1cc, #363a41);
  --ink: light-dark(#1b1c1e, #ecedee);
  --ink-2: light-dark(#55585e, #a6a9af);
  --ink-3: light-dark(#6f7277, #858990);
  --accent: light-dark(#1f6f6b, #5cc4bc);
  --accent-ink: light-dark(#ffffff, #08201e);
  --accent-wash: light-dark(#e6f1f0, #12302e);
  --warn: light-dark(#985e0c, #e2ae5b);
  --bad: light-dark(#c23b3b, #f07f7f);
  --hover: light-dark(#f3f2f0, #1c1f23);
  --warn-wash: light-dark(#faf3e8, #2a2113);
  --bad-wash: light-dark(#fcf1f1, #301919);
}
@media (prefers-contrast: more) {
  :root {
    --line: light-dark(#8b8983, #6c727c);
    --line-strong: light-dark(#6f6d68, #858990);
    --ink: light-dark(#000000, #ffffff);
    --ink-2: light-dark(#2f3135, #d5d7da);
    --ink-3: light-dark(#3c3f44, #c2c5ca);
    --accent: light-dark(#0e4f4c, #8fe0d9);
  }
}`
