import { Circuit } from './circuit.js';

const failing = (circuit: Circuit, times: number, now: number) =>
  Array.from({ length: times }, () => circuit.failed(30_000, now));

describe('the circuit before a dependency', () => {
  it('stays closed while some calls are answered, so one that never is cannot hurry the others', () => {
    const circuit = new Circuit();
    for (let i = 0; i < 10; i++) {
      failing(circuit, 4, i);
      circuit.answered();
    }
    expect(circuit.open).toBe(false);
  });

  it('is open after five tries in a row without an answer, and closed by the first answer', () => {
    const circuit = new Circuit();
    failing(circuit, 5, 0);
    expect(circuit.open).toBe(true);
    circuit.answered();
    expect(circuit.open).toBe(false);
  });

  it('lets one of all that wait probe every five seconds', () => {
    const circuit = new Circuit();
    expect(failing(circuit, 8, 100_000)).toEqual([...Array(4).fill(30_000), 5_000, 30_000, 30_000, 30_000]);
    expect(failing(circuit, 2, 104_999)).toEqual([30_000, 30_000]);
    expect(failing(circuit, 2, 105_000)).toEqual([5_000, 30_000]);
    expect(circuit.failed(1_000, 111_000)).toBe(1_000);
  });
});
