import { NO_ID } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { getFile } from '../files/index.ts'
import { getUser } from '../identity/index.ts'
import type { JobHandler, NamedValue, Outcome } from '../provisioning/index.ts'
import { insertResources } from '../resources/index.ts'
import { recordOf } from './create-dry-run.ts'
import { listVariables } from './store/version-parts.ts'
import { getVersion } from './store/versions.ts'

const actor = systemActor('provisionerd', 'carries out a dry run for who asked for it')
/** Carries out dry runs: plans a start with the given values, and keeps what it would make (WS-115). */
export function dryRunHandler(context: AppContext): JobHandler {
  return {
    type: 'template_version_dry_run',
    async run(job, tools): Promise<Outcome> {
      const db = context.database.db
      const input = recordOf(job.input)
      const version = await getVersion(actor, db, String(input.template_version_id))
      tools.say('Setting up', `Trying template version ${version.name}`)
      const owner = await getUser(actor, db, job.initiator_id)
      const file = await getFile(actor, db, job.file_id)
      const variables = await listVariables(actor, db, version.id)
      await using session = await tools.engine.open({
        archive: file.data,
        state: new Uint8Array(),
        workDirectory: tools.workDirectory,
        log: tools.engineLog,
        signal: tools.signal,
      })
      const plan = await session.plan({
        purpose: 'build',
        transition: 'start',
        parameters: valuesOf(input.rich_parameter_values),
        previousParameters: [],
        variables: [
          ...variables
            .filter((variable) => variable.value !== '' || variable.required)
            .map(({ name, value }) => ({ name, value })),
          ...valuesOf(input.user_variable_values),
        ],
        owner: {
          id: owner.id,
          name: owner.username,
          fullName: owner.name,
          email: owner.email,
          loginType: owner.login_type,
          groups: [],
          roles: [],
          // Nothing is built, so nothing needs a secret.
          sshPublicKey: '',
          sshPrivateKey: '',
          sessionToken: '',
          oidcAccessToken: '',
        },
        workspace: {
          id: NO_ID,
          name: String(input.workspace_name),
          buildId: NO_ID,
          templateId: version.template_id ?? NO_ID,
          templateName: version.template?.name ?? 'template',
          templateVersion: version.name,
          accessUrl: context.accessUrl(),
          isPrebuild: false,
          isPrebuildClaim: false,
        },
        externalAuth: [],
        task: null,
        runningAgentTokens: [],
      })
      tools.say('Cleaning Up', `A start would make ${plan.resources.length} resources`)
      return {
        ok: true,
        store: (tx) => insertResources(actor, tx, job.id, 'start', plan.resources, true),
      }
    },
  }
}

function valuesOf(stored: unknown): NamedValue[] {
  if (!Array.isArray(stored)) return []
  return stored.map((entry: unknown) => {
    const { name, value } = recordOf(entry)
    return { name: String(name ?? ''), value: String(value ?? '') }
  })
}
