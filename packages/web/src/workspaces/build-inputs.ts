import { evaluateDynamicParameters, type Workspace } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { parameterFault, parameterTitle } from '../parameters/parameter-value.ts'
import { buildParametersQuery } from './queries.ts'
import type { WorkspaceAction } from './workspace-actions.ts'

/** What a build wants to be told, by the titles of its parameters. */
export interface BuildInputs {
  readonly versionId: string
  /** Without values for these the build is refused. */
  readonly missing: readonly string[]
  /** These are asked for at every build and have defaults. */
  readonly ephemeral: readonly string[]
}

/** The version that an action starts the workspace with; undefined when it starts nothing. */
export function startedVersion(action: WorkspaceAction, workspace: Workspace): string | undefined {
  const { transition, template_version_id: present } = workspace.latest_build
  switch (action) {
    case 'start':
    case 'restart':
      return present
    case 'update-start':
    case 'update-restart':
      return workspace.template_active_version_id
    case 'retry':
    case 'retry-debug':
      return transition === 'start' ? present : undefined
    default:
      return undefined
  }
}

/**
 * Asks before a start what its version needs, with the values of the latest build (UI-713).
 *
 * @throws ApiError in the server's words, NetworkError.
 */
export async function buildInputs(workspace: Workspace, versionId: string): Promise<BuildInputs> {
  const present = await queries.fetchQuery(buildParametersQuery(workspace.latest_build.id))
  const inputs = Object.fromEntries(present.map(({ name, value }) => [name, value]))
  const { parameters } = await api.call(evaluateDynamicParameters, {
    params: { templateversion: versionId },
    body: { id: 1, inputs, owner_id: workspace.owner_id },
  })
  return {
    versionId,
    missing: parameters
      .filter(
        (parameter) =>
          parameterFault(
            parameter,
            inputs[parameter.name] ?? (parameter.value.valid ? parameter.value.value : undefined),
          ) !== undefined,
      )
      .map(parameterTitle),
    ephemeral: parameters.filter(({ ephemeral }) => ephemeral).map(parameterTitle),
  }
}
