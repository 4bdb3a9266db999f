/** A field of a form, whatever it is made of. */
export interface FormField {
  readonly element: HTMLElement
  readonly kind: 'text' | 'toggle' | 'combobox'
  readonly label: string
  readonly read: () => string
  /** Enters what was read as somebody would who sits there; whether that could be done. */
  readonly write: (value: string) => boolean | Promise<boolean>
}

const TEXT_TYPES = /^(text|email|url|number|search|tel|date|time|datetime-local)$/
/** Secrets, and what asks in passing: a dialog that is opened again asks anew, for a name to confirm as well. */
const NOT_KEPT = '[data-private], [role="dialog"], [role="alertdialog"]'
const TOGGLE_ROLES = /^(checkbox|switch|radio)$/
/** How long a list of matches is waited for. */
const MATCHES_MS = 3_000

/** The field that an element is, or is in; none for secrets (UI-508), in dialogs, and for what belongs to no form and so only filters. */
export function fieldOf(target: unknown): FormField | undefined {
  if (!(target instanceof Element)) return undefined
  const element = target.closest('button') ?? target
  if (element.closest(NOT_KEPT) !== null) return undefined
  if (element instanceof HTMLButtonElement) {
    if (element.form === null || !TOGGLE_ROLES.test(element.role ?? '')) return undefined
    return toggle(element, () => element.ariaChecked === 'true', element.role === 'radio')
  }
  if (element instanceof HTMLInputElement) {
    if (element.form === null) return undefined
    const { type } = element
    if (type === 'checkbox' || type === 'radio')
      return toggle(element, () => element.checked, type === 'radio')
    if (element.role === 'combobox') return combobox(element)
    return TEXT_TYPES.test(type) ? text(element, 'input') : undefined
  }
  if (element instanceof HTMLTextAreaElement)
    return element.form === null ? undefined : text(element, 'input')
  if (element instanceof HTMLSelectElement) return element.form === null ? undefined : text(element, 'change')
  return undefined
}

/** All fields of all forms of the page, in their order. */
export function fieldsOfPage(): readonly FormField[] {
  return [...document.querySelectorAll('input, textarea, select, button')].flatMap(
    (element) => fieldOf(element) ?? [],
  )
}

/** What an event picks from the list of a combobox, by mouse or by Enter, before the list closes. */
export function pickedIn(event: Event): { readonly field: FormField; readonly picked: string } | undefined {
  const { target } = event
  if (!(target instanceof Element)) return undefined
  const isEnter = event instanceof KeyboardEvent && event.type === 'keydown' && event.key === 'Enter'
  const option = isEnter
    ? document.getElementById(target.getAttribute('aria-activedescendant') ?? '')
    : event.type === 'click'
      ? target.closest('[role="option"]')
      : null
  if (option === null || option.ariaDisabled === 'true') return undefined
  const list = option.closest('[role="listbox"]')?.id
  const box = isEnter ? target : document.querySelector(`[role="combobox"][aria-controls="${list}"]`)
  const field = fieldOf(box)
  return field?.kind === 'combobox' ? { field, picked: optionText(option) } : undefined
}

function text(
  element: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  event: 'input' | 'change',
): FormField {
  return {
    element,
    kind: 'text',
    label: labelOf(element),
    read: () => element.value,
    write(value) {
      enter(element, value, event)
      return true
    },
  }
}

function toggle(
  element: HTMLButtonElement | HTMLInputElement,
  isOn: () => boolean,
  isRadio: boolean,
): FormField {
  return {
    element,
    kind: 'toggle',
    label: labelOf(element),
    read: () => String(isOn()),
    write(value) {
      if (isOn() === (value === 'true')) return true
      // A radio is put out by lighting another one.
      if (!isRadio || value === 'true') element.click()
      return true
    },
  }
}

function combobox(element: HTMLInputElement): FormField {
  return {
    element,
    kind: 'combobox',
    label: labelOf(element),
    read: () => element.value,
    async write(value) {
      enter(element, value, 'input')
      for (const end = performance.now() + MATCHES_MS; performance.now() < end; ) {
        const list = document.getElementById(element.getAttribute('aria-controls') ?? '')
        const option = [...(list?.querySelectorAll<HTMLElement>('[role="option"]') ?? [])].find(
          (one) => optionText(one) === value,
        )
        if (option !== undefined) {
          option.click()
          return true
        }
        await new Promise((drawn) => requestAnimationFrame(drawn))
      }
      enter(element, '', 'input')
      return false
    },
  }
}

/** Past the setter of React, which would take the value for the one that it knows. */
function enter(element: HTMLElement, value: string, event: 'input' | 'change'): void {
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(element), 'value')?.set?.call(element, value)
  element.dispatchEvent(new Event(event, { bubbles: true }))
}

/** The name of a match; what else stands in its line is a note. */
function optionText(option: Element): string {
  return (option.querySelector('bdi') ?? option).textContent ?? ''
}

function labelOf(field: HTMLElement & { readonly labels: NodeListOf<HTMLLabelElement> | null }): string {
  const label = field.labels?.[0]?.textContent ?? field.getAttribute('aria-label')
  return label ?? (field instanceof HTMLButtonElement ? field.textContent : '')
}
