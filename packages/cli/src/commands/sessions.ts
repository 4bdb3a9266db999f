import type { Command } from 'commander'

import { deleteOtherSessions, deleteSession, listSessions, type Session } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { ago, type Column, day, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'

const COLUMNS: readonly Column<Session>[] = [
  { name: 'id', value: (session) => session.id },
  { name: 'current', value: (session) => (session.current ? 'yes' : '') },
  { name: 'program', value: (session) => session.user_agent },
  { name: 'ip', value: (session) => session.ip_address },
  {
    name: 'last used',
    value: ({ last_used: used }) => (used.startsWith('0001') ? 'never' : ago(used)),
  },
  { name: 'created at', value: (session) => ago(session.created_at) },
  { name: 'expires at', value: (session) => day(session.expires_at) },
  { name: 'login type', value: (session) => session.login_type, extra: true },
]

interface RevokeFlags {
  readonly user: string
  readonly others?: boolean
  readonly yes?: boolean
}

/** `sessions …` (ID-210). */
export function sessionCommands(program: Command): void {
  const sessions = program.command('sessions')
  tableOptions(sessions.command('list'), COLUMNS)
    .alias('ls')
    .description('List the browsers and command lines that are signed in')
    .option('-u, --user <user>', 'whose they are', 'me')
    .action(async (own: OutputFlags & { user: string }, command: Command) => {
      const client = await openSession(command)
      printRows(await client.call(listSessions, { params: { user: own.user } }), COLUMNS, own)
    })
  sessions
    .command('revoke [ids...]')
    .alias('remove')
    .alias('rm')
    .description('End sessions by their ids, or all but this one')
    .option('--others', 'end all but the session of this command')
    .option('-u, --user <user>', 'whose they are', 'me')
    .option('-y, --yes', 'do not ask')
    .action(async (ids: string[], own: RevokeFlags, command: Command) => {
      if (ids.length > 0 === (own.others === true))
        throw new CommandError(
          'name sessions by their ids, as `slipway sessions list` shows them, or give --others',
        )
      const { user } = own
      const client = await openSession(command)
      if (own.others === true) {
        await sure(`End all other sessions${user === 'me' ? '' : ` of ${user}`}?`, own.yes)
        await client.call(deleteOtherSessions, { params: { user } })
        process.stdout.write('All other sessions have ended.\n')
      }
      for (const keyid of ids) {
        await client.call(deleteSession, { params: { user, keyid } })
        process.stdout.write(`The session ${keyid} has ended.\n`)
      }
    })
}
