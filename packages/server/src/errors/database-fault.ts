/** Classes of SQL states that say that the server is not there, or not now: connection, resources, operator. */
const CLASSES: ReadonlySet<string> = new Set(['08', '53', '57', '58'])
const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_)/
const WORDS =
  /connection terminated|client has encountered a connection error|not queryable|timeout (exceeded|expired)|query read timeout|connection (ended|closed)|cannot use a pool after/i

/**
 * Whether an error says that the database could not be asked, so that the same may be tried again. What a statement
 * itself has done wrong is none.
 */
export function isDatabaseFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // The server has ended the session, or not let it begin.
  if (Reflect.get(error, 'severity') === 'FATAL') return true
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string') {
    if (/^[0-9A-Z]{5}$/.test(code) && 'severity' in error) return CLASSES.has(code.slice(0, 2))
    if (NETWORK.test(code)) return 'syscall' in error || 'address' in error
  }
  return WORDS.test(error.message)
}
