/** A control that the browser checks before it sends a form. */
export type Constrained = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

/** What is wrong with the value of a control, in our words where we have any. */
export function constraintFault(control: Constrained): string {
  const { validity, validationMessage, title } = control
  if (validity.valueMissing) return control instanceof HTMLSelectElement ? 'Choose one.' : 'Fill this in.'
  if (validity.typeMismatch && control.type === 'email') return 'Enter an email address.'
  if (validity.patternMismatch && title !== '') return title
  return validationMessage
}
