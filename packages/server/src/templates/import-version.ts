import { NO_ID } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { getFile } from '../files/index.ts'
import type {
  EngineSession,
  JobHandler,
  NamedValue,
  Outcome,
  PlanRequest,
  TemplateVariable,
} from '../provisioning/index.ts'
import { insertResources } from '../resources/index.ts'
import { listVariables, storeImport, storeReadmeAndVariables } from './store/version-parts.ts'
import { findVersionOfJob } from './store/versions.ts'

const actor = systemActor('provisionerd', 'carries out an import for its initiator')
/** Carries out imports: reads what an archive declares and what it would build (WS-102). */
export function importHandler(context: AppContext): JobHandler {
  return {
    type: 'template_version_import',
    async run(job, tools): Promise<Outcome> {
      const db = context.database.db
      const version = await findVersionOfJob(actor, db, job.id)
      tools.say('Setting up', `Importing template version ${version.name}`)
      const file = await getFile(actor, db, job.file_id)
      await using session = await tools.engine.open({
        archive: file.data,
        state: new Uint8Array(),
        workDirectory: tools.workDirectory,
        log: tools.engineLog,
        signal: tools.signal,
      })
      const parsed = await session.parse()
      const inherited =
        version.activeVersionId === undefined ? [] : await listVariables(actor, db, version.activeVersionId)
      const variables = withValues(parsed.variables, [
        ...inherited.map(({ name, value }) => ({ name, value })),
        ...givenVariables(job.input),
      ])
      const storeParsed = (tx: typeof db): Promise<void> =>
        storeReadmeAndVariables(actor, tx, version.id, { readme: parsed.readme, variables })
      const missing = variables.filter((variable) => variable.required && variable.value === '')
      if (missing.length > 0)
        return {
          ok: false,
          error: `required template variables need values: ${missing.map(({ name }) => name).join(', ')}`,
          code: 'REQUIRED_TEMPLATE_VARIABLES',
          store: storeParsed,
        }
      const found = await look(context, session, variables, version.name)
      const store = async (tx: typeof db): Promise<void> => {
        await storeParsed(tx)
        await storeImport(actor, tx, version.id, {
          parameters: found.start.parameters,
          presets: found.start.presets,
          externalAuth: found.start.externalAuth,
          hasAiTask: found.start.aiTasks.length > 0,
          hasExternalAgent: found.start.hasExternalAgent,
        })
        await insertResources(actor, tx, job.id, 'start', found.start.resources, true)
        await insertResources(actor, tx, job.id, 'stop', found.stop.resources, false)
      }
      const configured = context.config.externalAuthProviders
      const unknown = found.start.externalAuth.find((need) => configured.every(({ id }) => id !== need.id))
      if (unknown !== undefined)
        return {
          ok: false,
          error: `external auth provider ${JSON.stringify(unknown.id)} is not configured`,
          store,
        }
      tools.say('Cleaning Up', `Found ${found.start.resources.length} resources`)
      return { ok: true, store }
    },
  }
}

async function look(
  context: AppContext,
  session: EngineSession,
  variables: readonly NamedValue[],
  versionName: string,
) {
  const request: Omit<PlanRequest, 'transition'> = {
    purpose: 'import',
    parameters: [],
    previousParameters: [],
    variables: variables.map(({ name, value }) => ({ name, value })),
    owner: {
      id: NO_ID,
      name: 'owner',
      fullName: 'Owner',
      email: 'owner@localhost',
      loginType: '',
      groups: ['Everyone'],
      roles: [],
      sshPublicKey: '',
      sshPrivateKey: '',
      sessionToken: '',
      oidcAccessToken: '',
    },
    workspace: {
      id: NO_ID,
      name: 'workspace',
      buildId: NO_ID,
      templateId: NO_ID,
      templateName: 'template',
      templateVersion: versionName,
      accessUrl: context.accessUrl(),
      isPrebuild: false,
      isPrebuildClaim: false,
    },
    externalAuth: [],
    task: null,
    runningAgentTokens: [],
  }
  return {
    start: await session.plan({ ...request, transition: 'start' }),
    stop: await session.plan({ ...request, transition: 'stop' }),
  }
}

function withValues(
  variables: readonly TemplateVariable[],
  values: readonly NamedValue[],
): (TemplateVariable & { readonly value: string })[] {
  const known = new Map(values.map(({ name, value }) => [name, value]))
  return variables.map((variable) => ({
    ...variable,
    value: known.get(variable.name) ?? variable.defaultValue,
  }))
}

function givenVariables(input: unknown): NamedValue[] {
  if (typeof input !== 'object' || input === null || !('user_variable_values' in input)) return []
  const values: unknown = input.user_variable_values
  return Array.isArray(values)
    ? values.map((entry: { name?: unknown; value?: unknown }) => ({
        name: String(entry.name ?? ''),
        value: String(entry.value ?? ''),
      }))
    : []
}
