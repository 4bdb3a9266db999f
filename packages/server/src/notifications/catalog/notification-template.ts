import type { TemplateId } from '../template-ids.ts'

/** A kind of notification; its texts are Mustache, see `render.ts`. */
export interface Template {
  readonly id: TemplateId
  readonly name: string
  readonly group: string
  /** The icon that the dashboard shows. */
  readonly icon: 'WORKSPACE' | 'ACCOUNT' | 'TEMPLATE' | 'OTHER'
  readonly kind: 'system' | 'custom'
  /** Whether it is sent to those who have chosen nothing. */
  readonly enabledByDefault: boolean
  /** Whether it may be in the inbox, where what it says stays. */
  readonly inbox: boolean
  /** Markdown of one line. */
  readonly title: string
  /** Markdown. */
  readonly body: string
  readonly actions: readonly TemplateAction[]
}

/** A link under a notification. */
export interface TemplateAction {
  readonly label: string
  readonly url: string
}

/** Fields that most templates have alike. */
export type TemplateText = Pick<Template, 'id' | 'name' | 'title' | 'body'> &
  Partial<Pick<Template, 'enabledByDefault' | 'inbox' | 'actions'>>

/** Templates of one group. */
export function group(name: string, icon: Template['icon'], texts: readonly TemplateText[]): Template[] {
  return texts.map((text) => ({
    group: name,
    icon,
    kind: 'system',
    enabledByDefault: true,
    inbox: true,
    actions: [],
    ...text,
  }))
}
