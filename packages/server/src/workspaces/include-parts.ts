import { RBACAction, type Workspace } from '@slipway/contract'
import { type Actor, isActionOf, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { listParametersOfBuilds } from './store/builds.ts'
import { workspaceObject } from './store/workspace-object.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const parts = systemActor('provisionerd', 'values of builds whose workspaces were listed as the caller')

const PARTS = ['parameters', 'permissions'] as const
type Part = (typeof PARTS)[number]

/** Which parts a list is asked to include (WS-305). @throws ApiError 400 for another one. */
export function readInclude(text: string | undefined): ReadonlySet<Part> {
  const names = text?.split(',') ?? []
  const known = PARTS.filter((part) => names.includes(part))
  if (names.length > known.length)
    throw badRequest('Query parameters have invalid values.', {
      validations: [
        { field: 'include', detail: `Query param "include" may name ${PARTS.join(', ')}, each once` },
      ],
    })
  return new Set(known)
}

/**
 * Adds to each workspace of a list the values of its latest build and what the actor may do with it, so that
 * nobody has to ask row by row (WS-305); one statement at most.
 */
export async function includeParts(
  context: AppContext,
  actor: Actor,
  rows: readonly WorkspaceRow[],
  workspaces: readonly Workspace[],
  include: ReadonlySet<Part>,
): Promise<readonly Workspace[]> {
  if (include.size === 0) return workspaces
  const values = include.has('parameters')
    ? await listParametersOfBuilds(
        parts,
        context.database.db,
        rows.map((row) => row.build_id),
      )
    : undefined
  const objects = new Map(rows.map((row) => [row.id, workspaceObject(row)]))
  return workspaces.map((workspace) => {
    const object = objects.get(workspace.id)
    return {
      ...workspace,
      ...(values === undefined ? {} : { parameters: values.get(workspace.latest_build.id) ?? [] }),
      ...(include.has('permissions') && object !== undefined
        ? {
            permissions: RBACAction.enum.filter(
              (action) => isActionOf(object.type, action) && isAllowed(actor, action, object),
            ),
          }
        : {}),
    }
  })
}
