import { type FormField, fieldOf, fieldsOfPage, pickedIn } from './form-fields.ts'

const KEY = 'slipway:form-draft'

/** What was filled into a field: its label, which of those with this label it is, and the text or state. */
interface DraftField {
  readonly label: string
  readonly at: number
  readonly value: string
}

/** What somebody had filled in on a page when their session ended. */
export interface FormDraft {
  readonly user: string
  readonly path: string
  readonly fields: readonly DraftField[]
}

/** Notes which fields the viewer changes; `keep` stores what is in them, in this tab only. */
export function watchFields(user: string): { readonly keep: () => void; readonly stop: () => void } {
  const changed: { readonly field: FormField; readonly picked?: string }[] = []
  const note = (event: Event) => {
    if (!event.isTrusted) return
    const pick = pickedIn(event)
    if (pick !== undefined) changed.push(pick)
    const field = fieldOf(event.target)
    if (field === undefined || !changes(event, field)) return
    if (!changed.some((one) => one.field.element === field.element)) changed.push({ field })
  }
  const events = ['input', 'change', 'click', 'keydown', 'keyup']
  for (const event of events) document.addEventListener(event, note, true)
  return {
    keep() {
      const all = fieldsOfPage()
      const fields = changed.flatMap(({ field, picked }): readonly DraftField[] => {
        const now = all.find(({ element }) => element === field.element)
        if (now === undefined || now.label === '') return []
        if (picked !== undefined && !stands(picked, now)) return []
        const at = all.filter(({ label }) => label === now.label).indexOf(now)
        return [{ label: now.label, at, value: picked ?? now.read() }]
      })
      if (fields.length === 0) return
      const draft: FormDraft = { user, path: location.pathname, fields }
      try {
        sessionStorage.setItem(KEY, JSON.stringify(draft))
      } catch {
        // A browser without storage keeps nothing.
      }
    },
    stop() {
      for (const event of events) document.removeEventListener(event, note, true)
    },
  }
}

/** Whether an event changes a field: groups of radios are also walked by arrows, and what is looked for is no choice yet. */
function changes(event: Event, { kind }: FormField): boolean {
  if (kind === 'combobox') return false
  if (event instanceof KeyboardEvent)
    return kind === 'toggle' && event.type === 'keyup' && event.key.startsWith('Arrow')
  return kind === 'toggle' || event.type !== 'click'
}

/** Whether what was picked in a field has not been taken out again. */
function stands(picked: string, { element, read }: FormField): boolean {
  return read() === picked || (element.closest('form')?.textContent ?? '').includes(picked)
}

/** The draft that this user left on this page; whatever was kept is forgotten by it. */
export function takeFormDraft(user: string): FormDraft | undefined {
  try {
    const text = sessionStorage.getItem(KEY)
    sessionStorage.removeItem(KEY)
    const draft: unknown = JSON.parse(text ?? 'null')
    return isDraft(draft) && draft.user === user && draft.path === location.pathname ? draft : undefined
  } catch {
    return undefined
  }
}

function isDraft(value: unknown): value is FormDraft {
  return (
    typeof value === 'object' &&
    value !== null &&
    'user' in value &&
    'path' in value &&
    'fields' in value &&
    Array.isArray(value.fields) &&
    value.fields.every((field) => typeof field === 'object' && field !== null && 'label' in field)
  )
}

/**
 * Fills a draft into the fields of the page, one after the other, as its author did: each finds what the last has changed.
 * Returns what is left because its field or its choice is not there; undefined when nothing is.
 */
export async function fillIn(draft: FormDraft): Promise<FormDraft | undefined> {
  const left: DraftField[] = []
  for (const wanted of draft.fields) {
    const field = fieldsOfPage().filter(({ label }) => label === wanted.label)[wanted.at]
    if (field === undefined || !(await field.write(wanted.value))) left.push(wanted)
    await new Promise((drawn) => requestAnimationFrame(drawn))
  }
  return left.length === 0 ? undefined : { ...draft, fields: left }
}
