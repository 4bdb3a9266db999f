/** Kinds of sessions that are told apart (AC-101); whatever else an agent counts is `other`. */
export const SESSION_FAMILIES = ['vscode', 'jetbrains', 'reconnecting_pty', 'ssh', 'sftp', 'other'] as const
export type SessionFamily = (typeof SESSION_FAMILIES)[number]

/** Open sessions of each kind. */
export type SessionCounts = Readonly<Record<SessionFamily, number>>

/** Programs whose sessions count as those of another. */
const FAMILY_OF: ReadonlyMap<string, SessionFamily> = new Map<string, SessionFamily>([
  ...SESSION_FAMILIES.map((name) => [name, name] as const),
  ...[
    'vscode_insiders',
    'vscode_web',
    'code_server',
    'cursor',
    'windsurf',
    'positron',
    'vscodium',
    'codium',
    'antigravity',
    'trae',
    'kiro',
    'devin',
  ].map((name) => [name, 'vscode'] as const),
  ['zed', 'ssh'],
])

/** As many as a column holds: an agent may claim more. */
const MAX_COUNT = 32_767

/** Adds up what an agent has counted by the names of programs (AC-101). */
export function countByFamily(counts: Readonly<Record<string, number>>): SessionCounts {
  const sums = { vscode: 0, jetbrains: 0, reconnecting_pty: 0, ssh: 0, sftp: 0, other: 0 }
  for (const [program, count] of Object.entries(counts)) {
    const family = FAMILY_OF.get(program.trim().toLowerCase().replaceAll('-', '_')) ?? 'other'
    sums[family] = Math.min(sums[family] + Math.max(count, 0), MAX_COUNT)
  }
  return sums
}
