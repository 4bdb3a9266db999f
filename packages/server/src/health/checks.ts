import type {
  AccessURLReport,
  AIGatewayReport,
  DatabaseReport,
  DERPHealthReport,
  ProvisionerDaemonsReport,
  WebsocketReport,
  WorkspaceProxyReport,
} from '@slipway/contract'
import type { GatewayHealth } from '../ai-gateway/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { listSeenDaemons, presentBareDaemon } from '../provisioning/index.ts'
import type { Section } from './section.ts'
import { AccessUrlSection } from './sections/access-url.ts'
import { aiGatewaySection } from './sections/ai-gateway.ts'
import { databaseSection } from './sections/database.ts'
import { derpSection } from './sections/derp.ts'
import { provisionerDaemonsSection } from './sections/provisioner-daemons.ts'
import { WebsocketSection } from './sections/websocket.ts'
import { workspaceProxySection } from './sections/workspace-proxy.ts'
import { ping } from './store.ts'

/** All sections, by their names in the report. */
export interface Checks {
  readonly access_url: Section<AccessURLReport>
  readonly ai_gateway: Section<AIGatewayReport>
  readonly database: Section<DatabaseReport>
  readonly derp: Section<DERPHealthReport>
  readonly provisioner_daemons: Section<ProvisionerDaemonsReport>
  readonly websocket: Section<WebsocketReport>
  readonly workspace_proxy: Section<WorkspaceProxyReport>
}

const daemonReader = systemActor(
  'system_read_provisioner_daemons',
  'whether provisioners run is told of all organizations, whoever looks',
)

/** What is looked at, made once; `steps` disposes of what it holds. */
export function checksOf(
  context: AppContext,
  gateway: () => GatewayHealth,
  steps: Pick<AsyncDisposableStack, 'use'>,
): Checks {
  const { accessUrl, clock, config, database, secrets, version } = context
  return {
    access_url: steps.use(new AccessUrlSection(accessUrl)),
    ai_gateway: aiGatewaySection(gateway, () => clock.now()),
    database: databaseSection(() => ping(database.db), config.healthCheckThresholdDatabase),
    derp: derpSection,
    provisioner_daemons: provisionerDaemonsSection(
      async () => (await listSeenDaemons(daemonReader, database.db)).map(presentBareDaemon),
      version,
    ),
    websocket: new WebsocketSection(accessUrl, secrets.relayKey),
    workspace_proxy: workspaceProxySection,
  }
}
