/** The look of the shop's own pages: that of the pages of express-logout. */
export const STYLE = `
:root { color-scheme: light dark; --accent: #1a5ecc; --link: var(--accent); --ground: #fff; --soft: #f6f7f9; --line: #e4e7eb;
  --edge: #868e99; --text: #1a1d21; --quiet: #5a626d; --danger: #b42318; --danger-tint: #fdeeec;
  font: 16px/24px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) { :root { --link: #83a9e9; --ground: #111418; --soft: #171b20; --line: #272c33; --edge: #767f8b;
  --text: #e7e9ec; --quiet: #a3abb6; --danger: #ff9389; --danger-tint: #321a18; } }
*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--ground); overflow-wrap: break-word; }
h1, h2, p, ul { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: 22px; line-height: 28px; font-weight: 600; }
h2 { font-size: 14px; line-height: 20px; font-weight: 600; }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
header { display: flex; align-items: center; justify-content: space-between; gap: 16px; min-height: 56px; padding: 0 24px;
  border-bottom: 1px solid var(--line); }
.brand { font-weight: 650; color: var(--text); text-decoration: none; }
main { max-width: 776px; margin: 0 auto; padding: 24px 24px 64px; }
.lead, .second { color: var(--quiet); font-size: 14px; line-height: 20px; }
.lead { margin-top: 4px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 12px; margin-top: 24px; }
.tiles a { display: grid; align-content: start; gap: 4px; padding: 16px; border: 1px solid var(--line); border-radius: 8px; color: var(--text);
  text-decoration: none; }
.tiles a:hover { background: var(--soft); border-color: var(--edge); }
form { display: grid; gap: 16px; max-width: 360px; margin: 24px 0; }
label { display: grid; gap: 4px; font-size: 14px; line-height: 20px; font-weight: 500; }
input { width: 100%; height: 40px; padding: 0 12px; border: 1px solid var(--edge); border-radius: 6px; font: inherit;
  color: var(--text); background: var(--ground); }
input[aria-invalid] { border-color: var(--danger); }
button, .button { display: inline-flex; align-items: center; justify-content: center; min-height: 40px; padding: 4px 20px;
  border: 1px solid var(--accent); border-radius: 6px; font: inherit; font-size: 14px; line-height: 20px; font-weight: 500; color: #fff;
  background: var(--accent); text-decoration: none; cursor: pointer; }
.alert { padding: 12px 16px; border-radius: 8px; color: var(--danger); background: var(--danger-tint); font-size: 14px;
  line-height: 20px; }
.accounts li { display: flex; gap: 12px; padding: 8px 0; border-top: 1px solid var(--line); font-size: 14px; line-height: 20px; }
.accounts { margin-top: 8px; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 13px; }
`;
