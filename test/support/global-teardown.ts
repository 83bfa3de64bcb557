/** Jest's global teardown: takes down what global setup brought up; it runs after failed runs too. */
export default async function globalTeardown(): Promise<void> {
  await (globalThis as { takeDownTestRig?: () => Promise<void> }).takeDownTestRig?.();
}
