import { describeError } from '@slipway/request-log'
import type { ParseResult } from './config/index.ts'
import type { AppContext } from './context.ts'
import type { Listeners } from './listeners/index.ts'

/**
 * Takes over what may change while the server runs (OP-15): the passwords of the database and of the mail server, and the
 * certificates. Whatever cannot be taken over stays as it was, and the log says why.
 *
 * @param read reads the settings again from where the server has them.
 */
export async function reload(
  { config, database, log, passwords }: AppContext,
  listeners: Listeners,
  read: () => ParseResult,
): Promise<void> {
  const settings = read()
  if (settings.kind !== 'start') {
    log.error('the settings cannot be read again; nothing has changed', {
      errors: settings.kind === 'refused' ? settings.errors : [],
    })
    return
  }
  const fresh = settings.config
  let failures = 0
  const attempt = async (what: string, take: () => Promise<void> | void): Promise<void> => {
    try {
      await take()
    } catch (error) {
      failures += 1
      log.error(`${what} cannot be read again; what was known stays`, { error: describeError(error) })
    }
  }
  await attempt('the password of the database', async () => {
    // The embedded one has none that an operator sets.
    if (config.postgresUrl !== '') await database.usePassword(fresh.postgresUrl)
  })
  await attempt('certificates', () => listeners.reload())
  passwords.current = { mail: fresh.emailAuthPassword }
  if (failures === 0) log.info('passwords and certificates were read again')
}
