import { TEMPLATES } from '../template-ids.ts'
import { group, type Template } from './notification-template.ts'

const viewTemplate = {
  label: 'View template',
  url: '{{base_url}}/templates/{{labels.organization}}/{{labels.template}}',
}
const viewVersion = {
  label: 'View template version',
  url: '{{base_url}}/templates/{{labels.org}}/{{labels.template}}/versions/{{labels.template_version}}',
}
const viewTask = { label: 'View task', url: '{{base_url}}/tasks/{{user_username}}/{{labels.workspace}}' }
const viewGroup = {
  label: 'View sessions',
  url: '{{base_url}}/ai-gateway/sessions?filter=initiator%3A{{labels.username}}',
}

/** What happens to templates. */
export const templateTemplates: readonly Template[] = group('Template Events', 'TEMPLATE', [
  {
    id: TEMPLATES.templateDeleted,
    name: 'Template Deleted',
    title: 'Template "{{labels.name}}" deleted',
    body: '{{labels.initiator}} deleted the template **{{labels.name}}**.',
    actions: [{ label: 'View templates', url: '{{base_url}}/templates' }],
  },
  {
    id: TEMPLATES.templateDeprecated,
    name: 'Template Deprecated',
    title: 'Template "{{labels.template}}" is deprecated',
    body: 'The template **{{labels.template}}** of your workspace is deprecated:\n\n> {{labels.message}}\n\nYour workspaces keep working, but no new ones can be made from it.',
    actions: [
      {
        label: 'View affected workspaces',
        url: '{{base_url}}/workspaces?filter=owner%3Ame+template%3A{{labels.template}}',
      },
      viewTemplate,
    ],
  },
  {
    id: TEMPLATES.buildsFailedReport,
    name: 'Report: Workspace Builds Failed',
    title: 'Failed workspace builds of the last {{data.report_frequency}}',
    body: 'Builds that failed:\n\n{{#data.templates}}- **{{name}}**: {{failed_builds}} of {{total_builds}}\n{{/data.templates}}',
    actions: [{ label: 'View failed workspaces', url: '{{base_url}}/workspaces?filter=status%3Afailed' }],
  },
  {
    id: TEMPLATES.resourceReplaced,
    name: 'Prebuilt Workspace Resource Replaced',
    title: 'Claiming a prebuilt workspace of "{{labels.template}}" replaced resources',
    body: 'The prebuilt workspace **{{labels.workspace}}**, claimed by {{labels.claimant}}, lost resources that were replaced by new ones. Users wait longer than they should: make the template ignore what changes at the claim.\n\n{{#data.replacements}}- **{{resource}}**: {{attributes}}\n{{/data.replacements}}',
    actions: [viewVersion],
  },
  {
    id: TEMPLATES.prebuildFailureLimit,
    name: 'Prebuild Failure Limit Reached',
    title: 'Prebuilds of "{{labels.template}}" are paused after failures',
    body: 'Too many prebuilt workspaces of the preset **{{labels.preset}}** of **{{labels.template}}**, version **{{labels.template_version}}**, failed. No more are made until a new version is active.',
    actions: [
      {
        label: 'View failed prebuilds',
        url: '{{base_url}}/workspaces?filter=owner%3Aprebuilds+status%3Afailed+template%3A{{labels.template}}',
      },
      viewVersion,
    ],
  },
])

/** What tasks do. */
export const taskTemplates: readonly Template[] = group('Task Events', 'WORKSPACE', [
  {
    id: TEMPLATES.taskWorking,
    name: 'Task Working',
    enabledByDefault: false,
    title: 'Task "{{labels.task}}" is working',
    body: 'The task **{{labels.task}}** went on working.',
    actions: [viewTask],
  },
  {
    id: TEMPLATES.taskIdle,
    name: 'Task Idle',
    enabledByDefault: false,
    title: 'Task "{{labels.task}}" waits for you',
    body: 'The task **{{labels.task}}** is idle and waits for your answer.',
    actions: [viewTask],
  },
  {
    id: TEMPLATES.taskCompleted,
    name: 'Task Completed',
    enabledByDefault: false,
    title: 'Task "{{labels.task}}" is complete',
    body: 'The task **{{labels.task}}** has completed.',
    actions: [viewTask],
  },
  {
    id: TEMPLATES.taskFailed,
    name: 'Task Failed',
    enabledByDefault: false,
    title: 'Task "{{labels.task}}" failed',
    body: 'The task **{{labels.task}}** has failed. Its log says why.',
    actions: [viewTask],
  },
  {
    id: TEMPLATES.taskPaused,
    name: 'Task Paused',
    title: 'Task "{{labels.task}}" is paused',
    body: 'The task **{{labels.task}}** is paused{{#labels.pause_reason}} ({{labels.pause_reason}}){{/labels.pause_reason}}. Resume it when you want it to go on.',
    actions: [viewTask],
  },
  {
    id: TEMPLATES.taskResumed,
    name: 'Task Resumed',
    title: 'Task "{{labels.task}}" goes on',
    body: 'The task **{{labels.task}}** was resumed.',
    actions: [viewTask],
  },
])

/** What happens to chats. */
export const chatTemplates: readonly Template[] = group('Chat Events', 'OTHER', [
  {
    id: TEMPLATES.chatsAutoArchived,
    name: 'Chats Auto-Archived',
    title: 'Chats that you have not used for long were archived',
    body: 'Nothing was written to these chats for {{labels.auto_archive_days}} days, so they were archived:\n\n{{#data.archived_chats}}- {{title}}\n{{/data.archived_chats}}{{#data.additional_archived_count}}\nand {{data.additional_archived_count}} more.{{/data.additional_archived_count}}{{#labels.retention_days}}\n\nArchived chats are deleted after {{labels.retention_days}} days. Unarchive those that you want to keep.{{/labels.retention_days}}',
    actions: [{ label: 'View archived chats', url: '{{base_url}}/agents?archived=archived' }],
  },
  {
    id: TEMPLATES.chatShared,
    name: 'Chat Shared',
    title: '{{labels.initiator}} shared a chat with you',
    body: '{{labels.initiator}} shared the chat **{{labels.chat_title}}** with you.',
    actions: [{ label: 'View chat', url: '{{base_url}}/agents/{{labels.chat_id}}' }],
  },
])

const BUDGET = '{{labels.limit}}{{#data.resets}} per {{labels.period}}{{/data.resets}}'
const RESETS = '{{#data.resets}} It begins anew on {{data.resets}} (UTC).{{/data.resets}}'
const WHOSE =
  '{{#data.own}}an AI budget of their own, which counts for{{/data.own}}{{^data.own}}the AI budget of{{/data.own}} the group **{{labels.effective_group_name}}** in {{labels.organization_name}}'
const viewUsage = { label: 'View your usage', url: '{{base_url}}/settings/ai' }

/** What is spent on models. */
export const budgetTemplates: readonly Template[] = [
  ...group('AI Cost Control Events', 'OTHER', [
    {
      id: TEMPLATES.aiBudgetWarning,
      name: 'AI Budget Warning',
      title: 'You have used {{labels.threshold}}% of your AI budget',
      body: `You have used **{{labels.threshold}}%** of your AI budget of ${BUDGET}.${RESETS}`,
      actions: [viewUsage],
    },
    {
      id: TEMPLATES.aiBudgetLimitReached,
      name: 'AI Budget Limit Reached',
      title: 'You have used up your AI budget',
      body: `You have used up your AI budget of ${BUDGET}. Requests to models may be refused until {{#data.resets}}it begins anew on {{data.resets}} (UTC), or {{/data.resets}}an administrator raises it.`,
      actions: [viewUsage],
    },
  ]),
  ...group('AI Cost Control (Admin) Events', 'OTHER', [
    {
      id: TEMPLATES.aiBudgetWarningForAdmins,
      name: 'AI Budget Warning (Admin)',
      title: '{{labels.username}} has used {{labels.threshold}}% of an AI budget',
      body: `**{{labels.username}}** has used **{{labels.threshold}}%** of ${WHOSE}: ${BUDGET}.${RESETS}`,
      actions: [viewGroup],
    },
    {
      id: TEMPLATES.aiBudgetLimitReachedForAdmins,
      name: 'AI Budget Limit Reached (Admin)',
      title: '{{labels.username}} has used up an AI budget',
      body: `**{{labels.username}}** has used up ${WHOSE}: ${BUDGET}.${RESETS}`,
      actions: [viewGroup],
    },
  ]),
]

/** What people send to try it, or themselves. */
export const otherTemplates: readonly Template[] = [
  ...group('Notification Events', 'OTHER', [
    {
      id: TEMPLATES.troubleshooting,
      name: 'Troubleshooting Notification',
      title: 'This is a test notification',
      body: 'Notifications reach you by this way.',
      actions: [
        { label: 'View notification settings', url: '{{base_url}}/deployment/notifications?tab=settings' },
      ],
    },
  ]),
  ...group('Custom Events', 'OTHER', [
    {
      id: TEMPLATES.custom,
      name: 'Custom Notification',
      title: '{{labels.custom_title}}',
      body: '{{{labels.custom_message}}}',
    },
  ]).map((template): Template => ({ ...template, kind: 'custom' })),
]
