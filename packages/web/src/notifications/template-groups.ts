import type { NotificationPreference, NotificationTemplate } from '@slipway/contract'

/** Templates that belong together. */
export interface TemplateGroup {
  readonly name: string
  readonly templates: readonly NotificationTemplate[]
}

/** One-time passcodes are always sent, and tests are what they say. */
const NOT_CHOSEN: ReadonlySet<string> = new Set([
  '62f86a30-2330-4b61-a26d-311ff3b608cf',
  'c425f63e-716a-4bf4-ae24-78348f706c3f',
])
/** Only told to those who administer accounts. */
const OF_ACCOUNTS: ReadonlySet<string> = new Set([
  '4e19c0ac-94e1-4532-9515-d1801aa283b2',
  'f44d9314-ad03-4bc8-95d0-5cad491da6b6',
  'b02ddd82-4733-4d02-a2d7-c36f3598997d',
  '9f5af851-8408-4e73-a7a1-c6502ba46689',
  '2a7b0ac1-00e1-4625-9cd5-1e5933972c77',
  '0bafe0ea-a78b-4217-ad05-1ef12e92e025',
])
/** Only told to those who administer templates. */
const OF_TEMPLATES: ReadonlySet<string> = new Set([
  '281fdf73-c6d6-4cbb-8ff5-888baf8a2fff',
  'd089fe7b-d5c5-4c0c-aaf5-689859f7d392',
  '2faeee0f-26cb-4e96-821c-85ccb9f71513',
  '29a09665-2a4c-403f-9648-54301670e7be',
  '34a20db2-e9cc-4a93-b0e4-8569699d7a00',
  '89d9745a-816e-4695-a17f-3d0a229e2b8d',
  '414d9331-c1fc-4761-b40c-d1f4702279eb',
])

/** Templates by their groups, in the order in which the server names them. */
export function grouped(templates: readonly NotificationTemplate[]): TemplateGroup[] {
  return [...Map.groupBy(templates, ({ group }) => group)].map(([name, members]) => ({
    name,
    templates: members,
  }))
}

/** Templates that somebody with these rights can ever be told of, and may choose. */
export function choosable(
  templates: readonly NotificationTemplate[],
  administers: { readonly accounts: boolean; readonly templates: boolean },
): NotificationTemplate[] {
  return templates.filter(
    ({ id }) =>
      !NOT_CHOSEN.has(id) &&
      (administers.accounts || !OF_ACCOUNTS.has(id)) &&
      (administers.templates || !OF_TEMPLATES.has(id)),
  )
}

/** Whether somebody with these choices is told of a template. */
export function isOn(
  template: Pick<NotificationTemplate, 'id' | 'enabled_by_default'>,
  preferences: readonly NotificationPreference[],
): boolean {
  const chosen = preferences.find(({ id }) => id === template.id)
  return chosen === undefined ? template.enabled_by_default : !chosen.disabled
}

/** By which ways a template goes, in words. */
export function waysOf(
  method: string,
  methods: { readonly default: string; readonly ready: readonly string[] },
): string {
  const chosen = method === '' && methods.ready.includes(methods.default) ? methods.default : method
  const ways = [
    ...(chosen === '' || chosen === 'inbox' ? [] : [methodName(chosen)]),
    ...(chosen === 'inbox' || methods.ready.includes('inbox') ? [methodName('inbox')] : []),
  ]
  return ways.length === 0 ? 'Not sent' : ways.join(' and ')
}

/** What people call a method. */
export function methodName(method: string): string {
  switch (method) {
    case 'smtp':
      return 'Mail'
    case 'webhook':
      return 'Webhook'
    case 'inbox':
      return 'Inbox'
    default:
      return method
  }
}

/** A name of the server in sentence case; what is all capitals stays. */
export function sentence(name: string): string {
  return name.replace(/(?<!^)\b[A-Z][a-z]*\b/g, (word) =>
    word.length > 1 && word === word.toUpperCase() ? word : word.toLowerCase(),
  )
}
