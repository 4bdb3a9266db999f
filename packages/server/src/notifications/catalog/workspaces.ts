import { TEMPLATES } from '../template-ids.ts'
import { group, type Template } from './notification-template.ts'

const viewMine = {
  label: 'View workspace',
  url: '{{base_url}}/@{{user_username}}/{{labels.name}}',
}
const viewOwned = {
  label: 'View workspace',
  url: '{{base_url}}/@{{user_username}}/{{labels.workspace}}',
}
const viewTheirs = {
  label: 'View workspace',
  url: '{{base_url}}/@{{labels.workspace_owner_username}}/{{labels.workspace}}',
}
const viewAll = { label: 'View workspaces', url: '{{base_url}}/workspaces' }

/** What happens to workspaces. */
export const workspaceTemplates: readonly Template[] = group('Workspace Events', 'WORKSPACE', [
  {
    id: TEMPLATES.workspaceCreated,
    name: 'Workspace Created',
    enabledByDefault: false,
    title: 'Workspace "{{labels.workspace}}" created',
    body: 'The workspace **{{labels.workspace}}** of {{labels.workspace_owner_username}} was created from the template **{{labels.template}}**, version **{{labels.version}}**.',
    actions: [viewTheirs],
  },
  {
    id: TEMPLATES.workspaceManuallyUpdated,
    name: 'Workspace Manually Updated',
    enabledByDefault: false,
    title: 'Workspace "{{labels.workspace}}" updated by hand',
    body: '{{labels.initiator}} updated the workspace **{{labels.workspace}}** of {{labels.workspace_owner_username}} to version **{{labels.version}}** of the template **{{labels.template}}**.',
    actions: [
      viewTheirs,
      {
        label: 'View template version',
        url: '{{base_url}}/templates/{{labels.organization}}/{{labels.template}}/versions/{{labels.version}}',
      },
    ],
  },
  {
    id: TEMPLATES.workspaceDeleted,
    name: 'Workspace Deleted',
    title: 'Workspace "{{labels.name}}" deleted',
    body: 'Your workspace **{{labels.name}}** was deleted.\n\nReason: **{{labels.reason}}**{{#labels.initiator}} ({{labels.initiator}}){{/labels.initiator}}.',
    actions: [viewAll, { label: 'View templates', url: '{{base_url}}/templates' }],
  },
  {
    id: TEMPLATES.workspaceAutobuildFailed,
    name: 'Workspace Autobuild Failed',
    title: 'Automatic build of workspace "{{labels.name}}" failed',
    body: 'The automatic build of your workspace **{{labels.name}}** failed.\n\nReason: **{{labels.reason}}**.',
    actions: [viewMine],
  },
  {
    id: TEMPLATES.workspaceManualBuildFailed,
    name: 'Workspace Manual Build Failed',
    title: 'Build of workspace "{{labels.name}}" failed',
    body: '{{labels.initiator}} could not build the workspace **{{labels.name}}** of {{labels.workspace_owner_username}} from the template **{{labels.template_name}}**, version **{{labels.template_version_name}}**.',
    actions: [
      {
        label: 'View build',
        url: '{{base_url}}/@{{labels.workspace_owner_username}}/{{labels.name}}/builds/{{labels.workspace_build_number}}',
      },
    ],
  },
  {
    id: TEMPLATES.workspaceUpdatedAutomatically,
    name: 'Workspace Updated Automatically',
    title: 'Workspace "{{labels.name}}" updated automatically',
    body: 'Your workspace **{{labels.name}}** was updated to version **{{labels.template_version_name}}** of its template.{{#labels.template_version_message}}\n\nNotes of the version: {{labels.template_version_message}}{{/labels.template_version_message}}',
    actions: [viewMine],
  },
  {
    id: TEMPLATES.workspaceDormant,
    name: 'Workspace Marked as Dormant',
    title: 'Workspace "{{labels.name}}" is dormant',
    body: 'Your workspace **{{labels.name}}** is dormant and stopped.{{#labels.timeTilDelete}} It will be deleted in {{labels.timeTilDelete}} unless you activate it.{{/labels.timeTilDelete}}',
    actions: [viewMine],
  },
  {
    id: TEMPLATES.workspaceMarkedForDeletion,
    name: 'Workspace Marked for Deletion',
    title: 'Workspace "{{labels.name}}" will be deleted',
    body: 'Your workspace **{{labels.name}}** will be deleted after {{labels.timeTilDormant}} of dormancy ({{labels.reason}}). Activate it to keep it.',
    actions: [viewMine],
  },
  {
    id: TEMPLATES.workspaceAutostopReminder,
    name: 'Workspace Autostop Reminder',
    title: 'Workspace "{{labels.workspace}}" stops soon',
    body: 'Your workspace **{{labels.workspace}}** stops in {{labels.timeTilShutdown}}. Extend its deadline if you still need it.',
    actions: [viewOwned],
  },
  {
    id: TEMPLATES.workspaceOutOfMemory,
    name: 'Workspace Out Of Memory',
    title: 'Workspace "{{labels.workspace}}" is running out of memory',
    body: 'Your workspace **{{labels.workspace}}** uses more than **{{labels.threshold}}** of its memory.',
    actions: [viewOwned],
  },
  {
    id: TEMPLATES.workspaceOutOfDisk,
    name: 'Workspace Out Of Disk',
    title: 'Workspace "{{labels.workspace}}" is running out of disk space',
    body: 'These volumes of your workspace **{{labels.workspace}}** are almost full:\n\n{{#data.volumes}}- **{{path}}** is above {{threshold}}\n{{/data.volumes}}',
    actions: [viewOwned],
  },
])
