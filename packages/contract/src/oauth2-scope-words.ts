const WHOLE: Readonly<Record<string, string>> = {
  'coder:ai_gateway.use': 'Ask AI models through the gateway, at your expense',
  'coder:all': 'Do everything that you can do, in your name',
  'coder:apikeys.manage_self': 'See, create, change and delete your API tokens',
  'coder:application_connect': 'Open the applications of your workspaces',
  'coder:templates.author': 'Create, change and delete templates and upload files for them',
  'coder:templates.build': 'Read templates, upload files and follow their builds',
  'coder:workspaces.access': 'See workspaces, connect to them by SSH and open their applications',
  'coder:workspaces.create': 'Create, start, stop and change workspaces',
  'coder:workspaces.delete': 'See and delete workspaces',
  'coder:workspaces.operate': 'See, start, stop and change workspaces',
}

const THINGS: Readonly<Record<string, string>> = {
  api_key: 'your API tokens',
  file: 'uploaded files',
  organization: 'organizations',
  task: 'tasks',
  template: 'templates',
  user: 'user accounts',
  user_secret: 'your secrets',
  user_skill: 'your skills',
  workspace: 'workspaces',
}

const DEEDS: Readonly<Record<string, (thing: string) => string>> = {
  '*': (thing) => `Do everything with ${thing}`,
  application_connect: () => 'Open the applications of workspaces',
  create: (thing) => `Create ${thing}`,
  delete: (thing) => `Delete ${thing}`,
  read: (thing) => `See ${thing}`,
  read_personal: () => 'See your personal data and settings',
  ssh: () => 'Connect to workspaces by SSH',
  start: (thing) => `Start ${thing}`,
  stop: (thing) => `Stop ${thing}`,
  update: (thing) => `Change ${thing}`,
  update_personal: () => 'Change your personal data and settings',
  use: (thing) => `Use ${thing} for workspaces`,
}

/** What a scope lets an app do, for the person whose app it is (OA-B10, OA-B14); a scope without words is shown by its name. */
export function scopeInWords(scope: string): string {
  const [type = '', action = ''] = scope.split(':')
  const thing = THINGS[type]
  const deed = DEEDS[action]
  return WHOLE[scope] ?? (thing === undefined || deed === undefined ? scope : deed(thing))
}
