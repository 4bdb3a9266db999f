const KEY = 'slipway:form-draft'

/** What somebody had typed on a page when their session ended. */
export interface FormDraft {
  readonly user: string
  readonly path: string
  /** Label, which of those with this label, and value. */
  readonly fields: readonly (readonly [string, number, string])[]
}

type TextField = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/** Whether what is typed into an element may be kept: never what is secret (UI-508), nor what chooses or filters. */
function isKept(element: unknown): element is TextField {
  if (
    !(element instanceof HTMLInputElement) &&
    !(element instanceof HTMLTextAreaElement) &&
    !(element instanceof HTMLSelectElement)
  )
    return false
  if (element.form === null || element.closest('[data-private], [role="combobox"]') !== null) return false
  return !(element instanceof HTMLInputElement) || /^(text|email|url|number|search)$/.test(element.type)
}

/** Notes which fields the viewer changes; `keep` stores what is in them, in this tab only. */
export function watchFields(user: string): { readonly keep: () => void; readonly stop: () => void } {
  const typed = new Set<TextField>()
  const note = (event: Event) => {
    if (event.isTrusted && isKept(event.target)) typed.add(event.target)
  }
  document.addEventListener('input', note, true)
  document.addEventListener('change', note, true)
  return {
    keep() {
      const all = fieldsOfPage()
      const fields = [...typed].flatMap((field) => {
        const label = labelOf(field)
        const at = all.filter((one) => labelOf(one) === label).indexOf(field)
        return at < 0 || label === '' ? [] : [[label, at, field.value] as const]
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
      document.removeEventListener('input', note, true)
      document.removeEventListener('change', note, true)
    },
  }
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
    Array.isArray(value.fields)
  )
}

/** Types a draft into the fields of the page, one after the other, as its author did: each finds what the last has changed. */
export async function fillIn(draft: FormDraft): Promise<void> {
  for (const [label, at, value] of draft.fields) {
    const field = fieldsOfPage().filter((one) => labelOf(one) === label)[at]
    if (field === undefined) continue
    // Past the setter of React, which would take the value for the one that it knows.
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value')?.set?.call(field, value)
    field.dispatchEvent(new Event(field instanceof HTMLSelectElement ? 'change' : 'input', { bubbles: true }))
    await new Promise((drawn) => requestAnimationFrame(drawn))
  }
}

function fieldsOfPage(): readonly TextField[] {
  return [...document.querySelectorAll('input, textarea, select')].filter(isKept)
}

function labelOf(field: TextField): string {
  return field.labels?.[0]?.textContent ?? field.getAttribute('aria-label') ?? ''
}
