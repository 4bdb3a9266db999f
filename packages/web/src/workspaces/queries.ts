import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import {
  checkAuthorization,
  getBuildByNumber,
  getWorkspaceByName,
  listBuildParameters,
  listBuilds,
  listWorkspaces,
  type Workspace,
  type WorkspaceBuild,
  type WorkspacesResponse,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { pollEvery } from '../api/polling.ts'
import { eventData } from '../api/use-live.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'
import { isMoving } from './workspace-look.ts'

const CALM_MS = 30_000
const BUSY_MS = 5000
/** A build that just began is watched closely: most of them are over soon. */
const FRESH_MS = 1500
const FRESH_FOR_MS = 20_000
const WATCH_LOST_MS = 10_000

interface ListQuestion {
  /** The server's `key:value` grammar. */
  readonly filter: string
  /** From 1. */
  readonly page: number
}

/** One page of workspaces; polled, faster while any of its builds is under way (UI-320, UI-701). */
export function workspacesQuery({ filter, page }: ListQuestion) {
  return queryOptions({
    queryKey: ['workspaces', filter, page],
    queryFn: ({ signal }) =>
      api.call(listWorkspaces, {
        query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE },
        signal,
      }),
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: true,
    refetchInterval: (query) => pollEvery(listInterval(query.state.data, Date.now()))(query),
  })
}

/** Pause between two readings of the list, in milliseconds. */
export function listInterval(list: Pick<WorkspacesResponse, 'workspaces'> | undefined, now: number): number {
  const moving = (list?.workspaces ?? []).filter((workspace) => isMoving(workspace.latest_build.status))
  if (moving.length === 0) return CALM_MS
  const newest = Math.max(...moving.map((workspace) => Date.parse(workspace.latest_build.created_at)))
  return now - newest < FRESH_FOR_MS ? FRESH_MS : BUSY_MS
}

/** A workspace by its address, deleted ones included (UI-405). `watched` says that a stream keeps it fresh. */
export function workspaceQuery(owner: string, name: string, watched = true) {
  return queryOptions({
    queryKey: ['workspace', owner, name],
    queryFn: ({ signal }) =>
      api.call(getWorkspaceByName, {
        params: { user: owner, workspacename: name },
        query: { include_deleted: true },
        signal,
      }),
    refetchInterval: watched ? false : pollEvery(WATCH_LOST_MS),
  })
}

const BUILDS = 50

/** The newest builds of a workspace. */
export function buildsQuery(workspaceId: string) {
  return queryOptions({
    queryKey: ['builds', workspaceId],
    queryFn: ({ signal }) =>
      api.call(listBuilds, { params: { workspace: workspaceId }, query: { limit: BUILDS }, signal }),
  })
}

export function buildQuery(owner: string, name: string, number: string) {
  return queryOptions({
    queryKey: ['build', owner, name, number],
    queryFn: ({ signal }) =>
      api.call(getBuildByNumber, {
        params: { user: owner, workspacename: name, buildnumber: number },
        signal,
      }),
    refetchInterval: (query) =>
      query.state.data !== undefined && isMoving(query.state.data.status) ? pollEvery(BUSY_MS)(query) : false,
  })
}

export function buildParametersQuery(buildId: string) {
  return queryOptions({
    queryKey: ['build-parameters', buildId],
    queryFn: ({ signal }) => api.call(listBuildParameters, { params: { workspacebuild: buildId }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** The workspace in a frame of `/workspaces/{id}/watch-ws`; undefined for pings and errors. */
export function workspaceOf(frame: unknown): Workspace | undefined {
  const data = eventData(frame)
  return isWorkspace(data) ? data : undefined
}

function isWorkspace(value: unknown): value is Workspace {
  return typeof value === 'object' && value !== null && 'latest_build' in value && 'owner_name' in value
}

/** Puts a workspace that the server sent into everything that shows it. */
export function showWorkspace(workspace: Workspace): void {
  queries.setQueryData<Workspace>(['workspace', workspace.owner_name, workspace.name], workspace)
  queries.setQueriesData<WorkspacesResponse>({ queryKey: ['workspaces'] }, (list) =>
    list === undefined
      ? undefined
      : { ...list, workspaces: list.workspaces.map((one) => (one.id === workspace.id ? workspace : one)) },
  )
}

/** A build was made: its workspace shows it at once, before the next reading. */
export function showBuild(workspace: Workspace, build: WorkspaceBuild): void {
  showWorkspace({ ...workspace, latest_build: build })
  refreshWorkspace(workspace)
}

/** Something about a workspace changed: whatever is on screen is read again. */
export function refreshWorkspace(workspace: Pick<Workspace, 'id' | 'owner_name' | 'name'>): void {
  void queries.invalidateQueries({ queryKey: ['workspaces'] })
  void queries.invalidateQueries({ queryKey: ['workspace', workspace.owner_name, workspace.name] })
  void queries.invalidateQueries({ queryKey: ['builds', workspace.id] })
}

/** Whether the viewer may make workspaces for anybody there (UI-312). */
export const mayChooseOwnerQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['create-workspace-for-any', organizationId],
    queryFn: async ({ signal }) => {
      const { createWorkspaceForAny = false } = await api.call(checkAuthorization, {
        body: {
          checks: {
            createWorkspaceForAny: {
              action: 'create',
              object: { resource_type: 'workspace', organization_id: organizationId, owner_id: '*' },
            },
          },
        },
        signal,
      })
      return createWorkspaceForAny
    },
    staleTime: 60_000,
  })
