import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { resetForeignLinks } from './store/links.ts'

/**
 * Forgets the keys of links of another issuer than that of the settings, so that people can link again by their address
 * after it has changed (ID-170). Where tokens may be of any issuer, the one of the settings says nothing about links: to
 * reset them at each start would open accounts to whoever has their address by then (ID-168). A failure is logged, and
 * the server starts.
 */
export async function repairLinks(context: AppContext): Promise<void> {
  const { config, database, log } = context
  if (
    !config.oidcRepairLinks ||
    config.oidcSkipIssuerChecks ||
    config.oidcIssuerUrl === '' ||
    config.oidcClientId === ''
  )
    return
  const issuer = config.oidcIssuerUrl.replace(/\/$/, '')
  try {
    const reset = await resetForeignLinks(
      systemActor('external_auth_coordinator', 'links of a former issuer are reset when the server starts'),
      database.db,
      [issuer, `${issuer}/`],
    )
    if (reset > 0)
      log.warn('links of another issuer were reset; people link again by address', { links: reset })
  } catch (error) {
    log.error('links of another issuer could not be reset', { error: describeError(error) })
  }
}
