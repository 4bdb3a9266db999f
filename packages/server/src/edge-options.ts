import { findAgentByToken } from './agents/index.ts'
import { type AppServer, wildcardLabel } from './apps/index.ts'
import { systemActor } from './authz/index.ts'
import type { AppContext } from './context.ts'
import { accessUrlRedirect, addressResolver, type EdgeOptions, type OpenStreams } from './edge/index.ts'
import { requireExperiments } from './experiments/index.ts'
import { activateOnUse, type KeyValidator, roleOptions } from './identity/index.ts'

/** OA-1: all of it, so that what is not there looks as what is switched off. */
const OF_OAUTH = /^\/oauth2(?:[/?]|$)/

/** What the edge knows of the features behind it, and of the configuration. */
export function edgeOptions(
  context: AppContext,
  keys: KeyValidator,
  streams: OpenStreams,
  apps: AppServer,
  shared: EdgeOptions['sharedCounters'],
  page: EdgeOptions['page'],
): EdgeOptions {
  const { config } = context
  const { accessUrl, wildcardAccessUrl } = config
  return {
    log: context.log,
    version: context.version,
    accessUrl,
    applicationName: () => context.appearance.applicationName,
    redirect:
      config.redirectToAccessUrl && accessUrl !== ''
        ? accessUrlRedirect({
            accessUrl,
            isAppHost: (host) => wildcardLabel(wildcardAccessUrl, host) !== undefined,
          })
        : undefined,
    addresses: addressResolver({
      trustedOrigins: config.proxyTrustedOrigins,
      trustedHeaders: config.proxyTrustedHeaders,
      onUntrusted: (peer, header) =>
        context.log.warn(
          'a peer that is not trusted sends a header of proxies, which is ignored; if it is your proxy, set --proxy-trusted-origins',
          { peer, header },
        ),
    }),
    cookies: context.cookies,
    queryTokens: config.allowQueryTokens,
    recordDecisions: config.enableAuthzRecordings,
    sharedCounters: shared,
    apiRateLimit: config.apiRateLimit,
    limitsDisabled: config.disableRateLimits,
    allowAllOrigins: config.allowCors,
    validate: (token, request) => keys.validate(token, request),
    activate: (accepted) => activateOnUse(context, keys, accepted),
    findAgent: (token) =>
      findAgentByToken(
        systemActor('system_restricted', 'an agent token is looked up before it is known whose it is'),
        context.database.db,
        token,
        roleOptions(context),
      ),
    streams,
    apps,
    gate: (url) => {
      if (OF_OAUTH.test(url)) requireExperiments(context, ['oauth2'])
    },
    page,
  }
}
