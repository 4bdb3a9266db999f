import { hostname } from 'node:os'

import { abandonedInterceptionsJob, type ModelGateway } from './ai-gateway/index.ts'
import { auditChainJob } from './audit/index.ts'
import { AuditForwarder } from './audit-forwarding/index.ts'
import { DiffStatusRefresh } from './chat-context/index.ts'
import type { ChatSettings } from './chat-settings/index.ts'
import { autoArchiveJob, SearchIndex } from './chats/index.ts'
import type { AppContext } from './context.ts'
import { keyRotationJob } from './crypto-keys/index.ts'
import type { ExternalAuth } from './external-auth/index.ts'
import { dormancyJob } from './identity/index.ts'
import { type McpServers, mcpHealthJob } from './mcp-servers/index.ts'
import { expiringTokensJob, failedBuildsReportJob, Notifier } from './notifications/index.ts'
import { unusedClientsJob } from './oauth2-clients/index.ts'
import { oauth2ExpiryJob } from './oauth2-provider/index.ts'
import { type Engine, JobReaper, type JobRow, JobWorker, type TagReader } from './provisioning/index.ts'
import { purgeJob } from './purge/index.ts'
import { BuiltInTemplates, dryRunHandler, importHandler } from './templates/index.ts'
import { usageRollupJob } from './usage/index.ts'
import { buildHandler, FollowUpBuilds, LifecycleExecutor, revivalJob } from './workspaces/index.ts'

/** What background jobs work with. */
interface JobParts {
  readonly context: AppContext
  readonly engines: ReadonlyMap<JobRow['provisioner'], Engine>
  readonly organizationId: string
  readonly workDirectory: string
  readonly tagReader: TagReader
  readonly external: ExternalAuth
  readonly mcpServers: McpServers
  readonly chatSettings: ChatSettings
  readonly modelGateway: ModelGateway
}

/**
 * Starts the work that is not done for a request: provisioning and taking back lost jobs, schedules, what grows old, what is
 * told to others, and the templates of the release. Each part ends with `steps`.
 *
 * @throws Error when a part cannot begin.
 */
export async function startBackgroundJobs(parts: JobParts, steps: AsyncDisposableStack): Promise<void> {
  const { context, engines, organizationId, workDirectory, tagReader, external, mcpServers, chatSettings } =
    parts
  const { config, database, log, version: release } = context
  const handlers = [importHandler(context), dryRunHandler(context), buildHandler(context, external)]
  if (config.provisionerDaemons > 0) {
    const worker = steps.use(
      new JobWorker({
        database,
        log,
        metrics: context.metrics,
        organizationId,
        name: `${hostname()}-${context.replicaId.slice(0, 8)}`,
        slots: config.provisionerDaemons,
        version: release,
        engines,
        handlers,
        workDirectory,
        forceCancelMs: config.provisionerForceCancelInterval,
      }),
    )
    await worker.start()
  }
  steps.use(new LifecycleExecutor(context))
  steps.use(revivalJob(context, engines))
  steps.use(new FollowUpBuilds(context))
  steps.use(purgeJob(context))
  steps.use(usageRollupJob(context))
  steps.use(abandonedInterceptionsJob(context, parts.modelGateway))
  steps.use(auditChainJob(context))
  steps.use(new AuditForwarder(context))
  steps.use(new Notifier(context))
  steps.use(expiringTokensJob(context))
  steps.use(failedBuildsReportJob(context))
  steps.use(keyRotationJob(context))
  steps.use(dormancyJob(context))
  steps.use(unusedClientsJob(context))
  steps.use(oauth2ExpiryJob(context))
  steps.use(new DiffStatusRefresh(context, external))
  steps.use(new JobReaper({ database, log, handlers }))
  const builtIn = steps.use(new BuiltInTemplates(context, tagReader))
  await builtIn.ensure()
  steps.use(mcpHealthJob(context, mcpServers))
  steps.use(new SearchIndex(context))
  steps.use(autoArchiveJob(context, chatSettings))
}
