import { wireList } from './allow-list.ts'
import type { TokenValues } from './token-form.tsx'
import { FULL_SCOPE } from './token-scopes.ts'

/** How a token like this one is made on the command line, with no more than it needs (UI-B7). */
export function tokenCommand({ name, days, scopes, allowed }: TokenValues): string {
  return [
    'slipway tokens create',
    `--name ${quoted(name)}`,
    ...(days === undefined ? [] : [`--lifetime ${days}d`]),
    ...scopes.filter((scope) => scope !== FULL_SCOPE).map((scope) => `--scope ${quoted(scope)}`),
    ...(allowed === undefined ? [] : wireList(allowed).map((entry) => `--allow ${quoted(entry)}`)),
  ].join(' ')
}

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
