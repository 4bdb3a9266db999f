import { Field, TextInput } from './form.tsx'
import { ThingIcon } from './thing-icon.tsx'

interface IconFieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly error?: string | undefined
}

/** Address of an icon, with the icon beside it. */
export function IconField({ label, value, onChange, error }: IconFieldProps) {
  return (
    <Field label={label} error={error} help="An address such as /icon/code.svg. May be left empty.">
      {(field) => (
        <div className="flex gap-2">
          <span className="inline-flex size-8 shrink-0 items-center justify-center rounded-control border border-line bg-bg pointer-coarse:size-10">
            <ThingIcon src={value.trim()} className="size-4" />
          </span>
          <TextInput
            {...field}
            spellCheck={false}
            autoComplete="off"
            placeholder="/icon/"
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        </div>
      )}
    </Field>
  )
}
