import { Type } from 'typebox'

import {
  createTemplate,
  createTemplateVersion,
  deleteTemplate,
  getTemplate,
  listOrganizationsOfUser,
  listTemplates,
  listTemplateVersionParameters,
  listTemplateVersionPresets,
  type Preset,
  setActiveTemplateVersion,
  type Template,
  uploadFile,
} from '@slipway/contract'
import { tarOf } from '../tar.ts'
import { defineTool, type Tool, type ToolContext, ToolFault, uuid } from '../tool.ts'

const NO_VERSION = '00000000-0000-0000-0000-000000000000'

const TemplateSummary = Type.Object({
  id: Type.String(),
  name: Type.String(),
  display_name: Type.String(),
  description: Type.String(),
  active_version_id: Type.String(),
  active_user_count: Type.Integer(),
  agents_allowed: Type.Boolean(),
})

const Parameter = Type.Object({ name: Type.String(), type: Type.String(), required: Type.Boolean() })

const PresetSummary = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  default: Type.Boolean(),
  desired_prebuild_instances: Type.Union([Type.Integer(), Type.Null()]),
  parameters: Type.Array(Type.Object({ name: Type.String(), value: Type.String() })),
})

const Message = Type.Object({ message: Type.String() })

function summary(template: Template) {
  return {
    id: template.id,
    name: template.name,
    display_name: template.display_name,
    description: template.description,
    active_version_id: template.active_version_id,
    active_user_count: template.active_user_count,
    agents_allowed: template.agents_allowed,
  }
}

function presented(preset: Preset) {
  return {
    id: preset.ID,
    name: preset.Name,
    description: preset.Description,
    default: preset.Default,
    desired_prebuild_instances: preset.DesiredPrebuildInstances,
    parameters: preset.Parameters.map(({ Name, Value }) => ({ name: Name, value: Value })),
  }
}

/** The organization in which a caller makes templates: the first one they are in. @throws ToolFault. */
async function firstOrganization({ api }: ToolContext): Promise<string> {
  const [first] = await api.call(listOrganizationsOfUser, { params: { user: 'me' } })
  if (first === undefined)
    throw new ToolFault('you are in no organization, so there is no place for templates')
  return first.id
}

const list = defineTool({
  name: 'coder_list_templates',
  title: 'List templates',
  description: 'Lists the templates from which you can create workspaces.',
  effect: 'reads',
  input: Type.Object({}),
  output: Type.Array(TemplateSummary),
  scopes: ['template:read'],
  run: async (_args, { api }) => (await api.call(listTemplates)).map(summary),
})

const get = defineTool({
  name: 'coder_get_template',
  title: 'Get template',
  description: 'Gives a template with the parameters and presets of its active version.',
  effect: 'reads',
  input: Type.Object({ template_id: uuid('Id of the template.') }),
  output: Type.Object({
    ...TemplateSummary.properties,
    parameters: Type.Array(Parameter),
    presets: Type.Optional(Type.Array(PresetSummary)),
  }),
  scopes: ['template:read'],
  run: async ({ template_id }, { api }) => {
    const template = await api.call(getTemplate, { params: { template: template_id } })
    if (template.active_version_id === NO_VERSION)
      throw new ToolFault(`template ${template.name} has no active version`)
    const params = { templateversion: template.active_version_id }
    const [parameters, presets] = await Promise.all([
      api.call(listTemplateVersionParameters, { params }),
      api.call(listTemplateVersionPresets, { params }),
    ])
    return {
      ...summary(template),
      parameters,
      ...(presets.length === 0 ? {} : { presets: presets.map(presented) }),
    }
  },
})

const parameters = defineTool({
  name: 'coder_template_version_parameters',
  title: 'Parameters of template version',
  description:
    'Lists the parameters of a template version: name, type, default, options and rules. Those that are required must be given when a workspace is created.',
  effect: 'reads',
  input: Type.Object({ template_version_id: uuid('Id of the version.') }),
  output: Type.Array(Parameter),
  scopes: ['template:read'],
  run: ({ template_version_id }, { api }) =>
    api.call(listTemplateVersionParameters, { params: { templateversion: template_version_id } }),
})

const AUTHORING = `Creates a version of a template from files that were uploaded with coder_upload_tar_file, and starts its import.

The files are TypeScript. template.ts, at the top of the archive, says what a workspace is:

\`\`\`ts
import { defineTemplate, local } from '@slipway/template'

export default defineTemplate({
  parameters: {
    greeting: {
      type: 'string',
      description: 'What the page says.',
      default: 'Hello',
      options: [
        { name: 'Hello', value: 'Hello' },
        { name: 'Good morning', value: 'Good morning' },
      ],
    },
  },
  workspace: ({ parameters, owner }) => ({
    runtime: local(),
    agents: [
      {
        name: 'main',
        env: { GREETING: parameters.greeting, GIT_AUTHOR_EMAIL: owner.email },
        startupScript: 'mkdir -p ~/site; echo "$GREETING" > ~/site/index.html',
        apps: [{ slug: 'site', displayName: 'Site', url: 'http://localhost:8080' }],
      },
    ],
  }),
})
\`\`\`

- parameters are asked for when a workspace is created. Their type is string, number, bool or list(string); without a default they are required; they may have options, a displayName, validation, and mutable, if they may change later.
- workspace is called for every build and must answer the same for the same inputs: it has no clock, randomness, files or network. It is given parameters, workspace (id, name, transition), owner (name, email, groups), task (prompt) and externalAuth.
- local() runs agents on the machine of the server. Each workspace has a home folder of its own, which outlives a stop and goes with the workspace; the startupScript runs at each start.
- Agents have a name and may have env, directory, startupScript, shutdownScript and apps. An app has a slug, the url at which it listens in the workspace, and may have displayName, icon, share and healthcheck.

Types are checked: an import that fails names file and line. Without template_id the version belongs to no template yet: give it to coder_create_template. With template_id it is one more version of that template, which becomes active with coder_update_template_active_version. Read coder_get_template_version_logs until the import has ended, and mend the files if it failed.`

const createVersion = defineTool({
  name: 'coder_create_template_version',
  title: 'Create template version',
  description: AUTHORING,
  effect: 'changes',
  input: Type.Object({
    file_id: uuid('Id that coder_upload_tar_file has given.'),
    template_id: Type.Optional(uuid('Template to add the version to.')),
  }),
  output: Type.Object({ id: Type.String(), name: Type.String() }),
  scopes: ['template:create', 'file:read'],
  run: async ({ file_id, template_id }, context) =>
    context.api.call(createTemplateVersion, {
      params: { organization: await firstOrganization(context) },
      body: {
        file_id,
        // The one engine that there is; to another one's versions no provisioner would ever come.
        provisioner: 'typescript',
        storage_method: 'file',
        message: 'Created by AI',
        ...(template_id === undefined ? {} : { template_id }),
      },
    }),
})

const create = defineTool({
  name: 'coder_create_template',
  title: 'Create template',
  description: 'Creates a template in your first organization from a version whose import has succeeded.',
  effect: 'changes',
  input: Type.Object({
    name: Type.String({
      minLength: 1,
      maxLength: 32,
      description: 'Letters, digits and single hyphens, at most 32 characters.',
    }),
    display_name: Type.String({ maxLength: 64, description: 'What people read.' }),
    description: Type.String({
      maxLength: 512,
      description: 'What the template is for, in a sentence or two.',
    }),
    version_id: uuid('Version that it begins with.'),
    icon: Type.Optional(Type.String({ maxLength: 256, description: 'URL or emoji path of a picture.' })),
  }),
  output: Type.Object({ id: Type.String(), name: Type.String() }),
  scopes: ['template:create'],
  run: async ({ name, display_name, description, version_id, icon }, context) =>
    context.api.call(createTemplate, {
      params: { organization: await firstOrganization(context) },
      body: {
        name,
        display_name,
        description,
        template_version_id: version_id,
        ...(icon === undefined ? {} : { icon }),
      },
    }),
})

const activate = defineTool({
  name: 'coder_update_template_active_version',
  title: 'Activate template version',
  description: 'Makes a version the active one of its template: workspaces are created from it from then on.',
  effect: 'changes',
  input: Type.Object({
    template_id: uuid('Id of the template.'),
    template_version_id: uuid('Version whose import has succeeded.'),
  }),
  output: Type.String(),
  scopes: ['template:update'],
  run: async ({ template_id, template_version_id }, { api }) => {
    await api.call(setActiveTemplateVersion, {
      params: { template: template_id },
      body: { id: template_version_id },
    })
    return 'Successfully updated active version!'
  },
})

const remove = defineTool({
  name: 'coder_delete_template',
  title: 'Delete template',
  description: 'Deletes a template for good. It must have no workspaces. Ask first.',
  effect: 'destroys',
  input: Type.Object({ template_id: uuid('Id of the template.') }),
  output: Message,
  scopes: ['template:delete'],
  run: async ({ template_id }, { api }) => {
    await api.call(deleteTemplate, { params: { template: template_id } })
    return { message: 'Template deleted successfully.' }
  },
})

const upload = defineTool({
  name: 'coder_upload_tar_file',
  title: 'Upload template files',
  description:
    'Uploads text files of a template as one archive. Give the hash to coder_create_template_version.',
  effect: 'changes',
  input: Type.Object({
    files: Type.Record(Type.String(), Type.String(), {
      minProperties: 1,
      description: 'Contents of the files, by their relative paths, such as template.ts.',
    }),
  }),
  output: Type.Object({ hash: Type.String() }),
  scopes: ['file:create'],
  run: async ({ files }, { api }) => api.upload(uploadFile, await tarOf(files), 'application/x-tar'),
})

/** Tools about templates. */
export const templateTools: readonly Tool[] = [
  list,
  get,
  parameters,
  createVersion,
  create,
  activate,
  remove,
  upload,
]
