import { Type } from 'typebox'

import {
  createBuild,
  createWorkspace,
  getUser,
  listWorkspaces,
  type Workspace,
  type WorkspaceBuildParameter,
} from '@slipway/contract'
import { agentsOf, findWorkspace, openWorkspace } from '../open-workspace.ts'
import { defineTool, type Tool, ToolFault, uuid } from '../tool.ts'
import { WORKSPACE_FORMS } from '../workspace-argument.ts'

const PAGE = 100

const WorkspaceSummary = Type.Object({
  id: Type.String(),
  name: Type.String(),
  template_id: Type.String(),
  template_name: Type.String(),
  template_display_name: Type.String(),
  template_icon: Type.String(),
  template_active_version_id: Type.String(),
  outdated: Type.Boolean(),
})

/** What is told of any workspace; the whole object of the API is there. */
const WorkspaceOutput = Type.Object({
  id: Type.String(),
  name: Type.String(),
  owner_name: Type.String(),
  template_id: Type.String(),
  outdated: Type.Boolean(),
  latest_build: Type.Object({ id: Type.String(), status: Type.String(), transition: Type.String() }),
})

const RichParameters = Type.Record(Type.String(), Type.String(), {
  description: 'Values of the parameters of the template, by name.',
})

function parameterValues(map: Readonly<Record<string, string>> = {}): WorkspaceBuildParameter[] {
  return Object.entries(map).map(([name, value]) => ({ name, value }))
}

const ownUser = { route: getUser, params: { user: 'me' } }

const getAuthenticatedUser = defineTool({
  name: 'coder_get_authenticated_user',
  title: 'Who am I',
  description: 'Tells who you act as: id, username, email, status and roles of the signed-in user.',
  effect: 'reads',
  input: Type.Object({}),
  output: Type.Object({ id: Type.String(), username: Type.String(), email: Type.String() }),
  scopes: ['user:read'],
  relays: ownUser,
  run: (_args, { api }) => api.call(ownUser.route, { params: ownUser.params }),
})

/** The first workspaces that a search finds. */
export async function searchWorkspaces(
  { api }: Parameters<Tool['run']>[1],
  q: string,
): Promise<readonly Workspace[]> {
  return (await api.call(listWorkspaces, { query: { q, limit: PAGE } })).workspaces
}

const listAll = defineTool({
  name: 'coder_list_workspaces',
  title: 'List workspaces',
  description: `Lists the workspaces of a user, at most ${PAGE}, with their templates and whether they are outdated.`,
  effect: 'reads',
  input: Type.Object({
    owner: Type.Optional(
      Type.String({ description: 'Username of the owner, or `me`, which is what is taken without it.' }),
    ),
  }),
  output: Type.Array(WorkspaceSummary),
  scopes: ['workspace:read'],
  run: async ({ owner = 'me' }, context) =>
    (await searchWorkspaces(context, `owner:${JSON.stringify(owner === '' ? 'me' : owner)}`)).map((one) => ({
      id: one.id,
      name: one.name,
      template_id: one.template_id,
      template_name: one.template_name,
      template_display_name: one.template_display_name,
      template_icon: one.template_icon,
      template_active_version_id: one.template_active_version_id,
      outdated: one.outdated,
    })),
})

const getOne = defineTool({
  name: 'coder_get_workspace',
  title: 'Get workspace',
  description:
    'Gives all about one workspace: its latest build with status and job, its resources, agents and apps.',
  effect: 'reads',
  input: Type.Object({
    workspace_id: Type.String({
      minLength: 1,
      description: 'Id of the workspace, or `name`, or `owner/name`.',
    }),
  }),
  output: WorkspaceOutput,
  scopes: ['workspace:read'],
  run: ({ workspace_id }, context) => findWorkspace(context, workspace_id),
})

const create = defineTool({
  name: 'coder_create_workspace',
  title: 'Create workspace',
  description:
    'Creates a workspace and starts to build it. Name exactly one of template_id, whose active version is taken, and template_version_id. Read the parameters of the template first: those without a default must be given in rich_parameters. Values of a preset come before rich_parameters. The answer does not wait for the build: follow it with coder_get_workspace_build_logs.',
  effect: 'changes',
  input: Type.Object({
    user: Type.String({ description: 'Username or id of the owner; `me` or empty for yourself.' }),
    name: Type.String({
      minLength: 1,
      maxLength: 32,
      description: 'Letters, digits and single hyphens, at most 32 characters, not in use by this owner.',
    }),
    rich_parameters: RichParameters,
    template_id: Type.Optional(uuid('Template to take the active version of.')),
    template_version_id: Type.Optional(uuid('Version of a template, instead of template_id.')),
    template_version_preset_id: Type.Optional(uuid('Preset of the version to take values from.')),
  }),
  output: WorkspaceOutput,
  scopes: ['workspace:create', 'template:use'],
  run: async (args, { api }) => {
    if ((args.template_id === undefined) === (args.template_version_id === undefined))
      throw new ToolFault('give exactly one of template_id and template_version_id')
    return api.call(createWorkspace, {
      params: { user: args.user === '' ? 'me' : args.user },
      body: {
        name: args.name,
        ...(args.template_id === undefined ? {} : { template_id: args.template_id }),
        ...(args.template_version_id === undefined ? {} : { template_version_id: args.template_version_id }),
        ...(args.template_version_preset_id === undefined
          ? {}
          : { template_version_preset_id: args.template_version_preset_id }),
        rich_parameter_values: parameterValues(args.rich_parameters),
      },
    })
  },
})

const build = defineTool({
  name: 'coder_create_workspace_build',
  title: 'Start, stop or delete workspace',
  description:
    'Starts, stops or deletes a workspace. Deleting loses everything in it: ask first. template_version_preset_id and rich_parameters are only for start. A template_version_id moves the workspace to that version. The answer does not wait for the build: follow it with coder_get_workspace_build_logs.',
  effect: 'destroys',
  input: Type.Object({
    workspace_id: uuid('Id of the workspace.'),
    transition: Type.Enum(['start', 'stop', 'delete'], { description: 'What to do with it.' }),
    template_version_id: Type.Optional(uuid('Version to build with, instead of the present one.')),
    template_version_preset_id: Type.Optional(uuid('Preset to take values from, only with start.')),
    rich_parameters: Type.Optional(RichParameters),
  }),
  output: Type.Object({ id: Type.String(), status: Type.String(), transition: Type.String() }),
  scopes: ['workspace:read'],
  scopesOf: ({ transition }) => [`workspace:${transition}`],
  run: async (args, { api }) => {
    const faults =
      args.transition === 'start'
        ? []
        : [
            args.template_version_preset_id === undefined
              ? []
              : [`template_version_preset_id is only for start, not for ${args.transition}`],
            args.rich_parameters === undefined
              ? []
              : [`rich_parameters is only for start, not for ${args.transition}`],
          ].flat()
    if (faults.length > 0) throw new ToolFault(faults.join('; '))
    return api.call(createBuild, {
      params: { workspace: args.workspace_id },
      body: {
        transition: args.transition,
        ...(args.template_version_id === undefined ? {} : { template_version_id: args.template_version_id }),
        ...(args.template_version_preset_id === undefined
          ? {}
          : { template_version_preset_id: args.template_version_preset_id }),
        ...(args.rich_parameters === undefined
          ? {}
          : { rich_parameter_values: parameterValues(args.rich_parameters) }),
      },
    })
  },
})

const listApps = defineTool({
  name: 'coder_workspace_list_apps',
  title: 'List apps of workspace',
  description: `Lists the apps of the agents of a workspace with their URLs. ${WORKSPACE_FORMS}`,
  effect: 'reads',
  input: Type.Object({ workspace: Type.String({ minLength: 1, description: WORKSPACE_FORMS }) }),
  output: Type.Object({ apps: Type.Array(Type.Object({ name: Type.String(), url: Type.String() })) }),
  scopes: ['workspace:read', 'workspace:ssh'],
  isLong: true,
  run: async ({ workspace }, context) => {
    const opened = await openWorkspace(context, workspace)
    return {
      apps: agentsOf(opened.workspace)
        .filter((agent) => agent.id === opened.agent.id)
        .flatMap((agent) => agent.apps)
        .map((app) => ({
          name: app.display_name === undefined || app.display_name === '' ? app.slug : app.display_name,
          url: app.url ?? '',
        })),
    }
  },
})

/** Tools about workspaces from outside. */
export const workspaceTools: readonly Tool[] = [
  getAuthenticatedUser,
  listAll,
  getOne,
  create,
  build,
  listApps,
]
