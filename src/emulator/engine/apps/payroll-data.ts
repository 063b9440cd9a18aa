import { calendarDay, dayNumber } from "../calendar.ts";
import type { CellInput } from "../column.ts";
import { createRandom } from "../random.ts";
import { buildTable, type Table } from "../table.ts";

const DEPARTMENTS = ["Engineering", "Finance", "Logistics", "People", "Sales", "Support"];
const EMPLOYEES = 90;
const MONTHS = 12;

/** Makes a year of monthly pay of a small company, the same every time. */
export function loadPayroll(): Table {
  const random = createRandom(1_889);
  function* rows(): Generator<readonly CellInput[]> {
    for (let employee = 1; employee <= EMPLOYEES; employee += 1) {
      const department = random.pick(DEPARTMENTS);
      const pay = Math.round(random.around(4200, 1500));
      for (let month = 1; month <= MONTHS; month += 1) {
        const day = calendarDay(dayNumber(2024, month, 25));
        yield [
          `E${String(employee).padStart(3, "0")}`,
          department,
          day.date,
          day.month,
          pay,
          Math.round(pay * 0.27),
        ];
      }
    }
  }
  const date = { name: "Paid on", tags: ["$timestamp", "$date"] };
  const month = { name: "Month", tags: ["$calendar"] };
  return buildTable("Pay", ["Employee", "Department", date, month, "Pay", "Social cost"], rows());
}
