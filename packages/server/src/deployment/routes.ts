import { Compile } from 'typebox/compile'

import * as contract from '@slipway/contract'
import { authorize } from '../authz/index.ts'
import { deploymentConfig } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, forSession } from '../edge/index.ts'
import type { DeploymentStats } from './deployment-stats.ts'

const values = Compile(contract.DeploymentValues)

/** Bytes (ID-93). */
const CSP_REPORT_LIMIT = 64 * 1024

/** The root as the published contract spells it; to most clients the slash makes no difference. */
const apiRootWithSlash = contract.route('GET /api/v2/', {
  id: 'api-root-handler-slash',
  tag: 'General',
  security: 'none',
  responses: contract.apiRoot.responses,
})

/** What clients ask about the deployment, most of it before anybody has signed in. */
export function deploymentRoutes(
  context: AppContext,
  webPush: { readonly publicKey: string | undefined },
  stats: Pick<DeploymentStats, 'read'>,
): BoundRoute[] {
  return [
    forAnyone(contract.apiRoot, async () => ({ message: '👋' })),
    forAnyone(apiRootWithSlash, async () => ({ message: '👋' })),
    forAnyone(contract.getBuildInfo, async () => ({
      external_url: '',
      version: context.version,
      dashboard_url: context.config.accessUrl,
      telemetry: false,
      workspace_proxy: false,
      agent_api_version: '2.11',
      provisioner_api_version: '1.18',
      upgrade_message: '',
      deployment_id: context.deploymentId,
      ...(webPush.publicKey === undefined ? {} : { webpush_public_key: webPush.publicKey }),
    })),
    forAnyone(
      contract.reportCspViolation,
      async ({ body, reply }) => {
        context.log.debug('csp violation', { report: JSON.stringify(body['csp-report']) })
        // The framework takes a text for plain text.
        reply.type('application/json; charset=utf-8')
        return JSON.stringify('ok')
      },
      { bodyLimit: CSP_REPORT_LIMIT },
    ),
    forSession(contract.getDeploymentConfig, async ({ actor }) => {
      authorize(actor, 'read', { type: 'deployment_config' })
      const { config, options } = deploymentConfig({ config: context.config, sources: context.configSources })
      if (!values.Check(config)) throw new Error('an option is reported otherwise than the contract says')
      return { config, options }
    }),
    forSession(contract.getDeploymentStats, async ({ actor }) => stats.read(actor)),
    forSession(contract.getDeploymentSsh, async () => ({
      hostname_prefix: context.config.sshHostnamePrefix,
      hostname_suffix: context.config.workspaceHostnameSuffix,
      ssh_config_options: sshOptions(context.config.sshConfigOptions),
    })),
  ]
}

/** Settings by name; a later one wins. The option table has checked their form (AC-240). */
function sshOptions(settings: readonly string[]): Record<string, string> {
  const options: Record<string, string> = {}
  for (const setting of settings) {
    const [, name = '', value = ''] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/s.exec(setting) ?? []
    options[name] = value.trim()
  }
  return options
}
