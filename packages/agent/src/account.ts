/**
 * Gives up the rights of root for the account that the workspace runs under. Called once all code is loaded,
 * because the account may not be able to read it; nothing of the user's has run before.
 *
 * @param account `uid:gid` from `SLIPWAY_AGENT_ACCOUNT`; empty when the agent was started under its account.
 * @throws Error when the rights could not be given up: the agent must not go on then.
 */
export function dropToAccount(account: string | undefined): void {
  if (account === undefined || account === '') return
  const match = /^(\d+):(\d+)$/.exec(account)
  const [, uid, gid] = match ?? []
  if (uid === undefined || gid === undefined || process.setgroups === undefined)
    throw new Error(`SLIPWAY_AGENT_ACCOUNT must be uid:gid, not ${JSON.stringify(account)}`)
  process.setgroups([Number(gid)])
  process.setgid?.(Number(gid))
  process.setuid?.(Number(uid))
  if (process.getuid?.() !== Number(uid) || process.getgid?.() !== Number(gid))
    throw new Error('the rights of root could not be given up')
}
