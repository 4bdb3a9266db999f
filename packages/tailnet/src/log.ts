/** Where this package tells what happens. */
export interface Log {
  debug(message: string, fields: Readonly<Record<string, string | number | boolean>>): void
  warn(message: string, fields: Readonly<Record<string, string | number | boolean>>): void
}
