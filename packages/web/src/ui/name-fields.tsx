import { fieldError } from '../api/errors.ts'
import { Field, TextInput } from './form.tsx'

interface Named {
  readonly name: string
  readonly display_name: string
}

interface NameFieldsProps<Values extends Named> {
  readonly values: Values
  readonly onChange: (values: Values) => void
  readonly error: unknown
  /** The thing is there already; without it the form begins here. */
  readonly renaming: boolean
  readonly nameHelp: string
}

/** What a thing is called in addresses, and how its name is shown. */
export function NameFields<Values extends Named>({
  values,
  onChange,
  error,
  renaming,
  nameHelp,
}: NameFieldsProps<Values>) {
  return (
    <>
      <Field label="Name" error={fieldError(error, 'name')} help={nameHelp}>
        {(field) => (
          <TextInput
            {...field}
            required
            autoFocus={!renaming}
            spellCheck={false}
            autoComplete="off"
            value={values.name}
            onChange={(event) => onChange({ ...values, name: event.target.value })}
          />
        )}
      </Field>
      <Field
        label="Display name"
        error={fieldError(error, 'display_name')}
        help="Shown to people. Leave empty to use the name."
      >
        {(field) => (
          <TextInput
            {...field}
            autoComplete="off"
            value={values.display_name}
            onChange={(event) => onChange({ ...values, display_name: event.target.value })}
          />
        )}
      </Field>
    </>
  )
}
