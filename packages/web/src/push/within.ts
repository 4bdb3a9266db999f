/** What a promise gives; undefined when it fails or takes longer than this many milliseconds. */
export function within<Value>(milliseconds: number, work: Promise<Value>): Promise<Value | undefined> {
  return new Promise((done) => {
    const late = setTimeout(done, milliseconds, undefined)
    work.then(done, () => done(undefined)).finally(() => clearTimeout(late))
  })
}
