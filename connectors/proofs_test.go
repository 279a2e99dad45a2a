package connectors_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// proof is a test that proves what is said of an oddity: where it is, and the beginning of the name of its case, if it has several.
type proof struct{ folder, test, name string }

// These folders have proofs besides this one.
const (
	inRest    = "../internal/connector/rest"
	inService = "../internal/service"
	inCLI     = "../internal/cli"
)

// proofs are those of Pulsedive's oddities, by their numbers.
var proofs = map[int][]proof{
	1:  {{inRest, "TestGateRebuildsErrors", ""}, {inRest, "TestGatePutsTheKeyOnACloneOnly", ""}},
	2:  {{inRest, "TestRedirects", "elsewhere"}, {inRest, "TestTheKeyGoesToItsHostAndNowhereElse", ""}},
	3:  {{inCLI, "TestKeyIsNowhere", ""}, {"../internal/web", "TestKeyIsOnNoPage", ""}, {inRest, "TestGateHidesTheKeyFromTraces", ""}},
	4:  {{".", "TestPitfall4", ""}, {inRest, "TestFormKey", ""}},
	5:  {{".", "TestPitfall5", ""}},
	6:  {{".", "TestPitfallsOfAnswers", "6 "}, {inRest, "TestEachIsAskedOnce", ""}},
	7:  {{".", "TestPitfallsOfAnswers", "7 "}},
	8:  {{".", "TestPitfallsOfAnswers", "8 "}, {inRest, "TestResultIsAskedFor", ""}},
	9:  {{".", "TestPitfallsOfAnswers", "9 "}, {inRest, "TestResultThatDoesNotCome", ""}},
	10: {{".", "TestPitfallsOfAnswers", "10 "}, {inRest, "TestBrokenAnswers", "HTML"}},
	11: {{".", "TestPitfallsOfAnswers", "11 "}, {inRest, "TestRetries", ""}},
	12: {{".", "TestPitfallsOfAnswers", "12 "}},
	13: {{".", "TestPulsediveWindows", ""}, {inRest, "TestRetryPauses", ""}, {inService, "TestRunWaitsForTheBudget", ""}},
	14: {{".", "TestPitfall14", ""}, {"../internal/quota", "TestFreePlan", ""}, {"../internal/quota", "TestPortionsNeverExceedADay", ""}},
	15: {{".", "TestPitfall15", "15 "}, {inService, "TestIncompletePullLetsNothingVanish", ""}},
	16: {{".", "TestPitfall16", ""}, {inService, "TestAnswersAreFree", ""}, {inRest, "TestResultThatDoesNotCome", ""}, {"../internal/sandbox", "TestOnlySubmittingIsCounted", ""}},
	17: {{".", "TestPitfall17", ""}, {inRest, "TestPagingThatDoesNotGetOn", ""}, {inService, "TestLimitedRunGoesOnWhereItStood", ""}},
	18: {{"../internal/connector/partition", "TestEveryRecordOnce", ""}, {"../internal/connector/partition", "TestIncomplete", ""}},
	19: {{inRest, "TestTAXII", ""}, {".", "TestConstantNext", ""}, {inRest, "TestTAXIIEnds", "the same next, then nothing new"}, {inService, "TestCollectionGoesOnFromRunToRun", ""}},
	20: {{".", "TestPitfallsOfShapes", "20 "}},
	21: {{".", "TestPitfallsOfShapes", "21 "}},
	22: {{".", "TestPitfallsOfShapes", "22 "}},
	23: {{".", "TestPitfallsOfShapes", "23 "}},
	24: {{".", "TestPitfallsOfShapes", "24 "}},
	25: {{".", "TestPitfallsOfShapes", "25 "}},
	26: {{".", "TestPitfallsOfShapes", "26 "}},
	27: {{".", "TestPitfallsOfShapes", "27 "}},
	28: {{".", "TestPitfallsOfShapes", "28 "}, {"../internal/connector/sqltable", "TestFieldsThatDifferInCaseOnly", ""}},
	29: {{".", "TestPitfallsOfShapes", "29 "}, {"../internal/connector/sqltable", "TestOddNames", ""}},
	30: {{".", "TestPitfallsOfShapes", "30 "}, {"../internal/connector/file", "TestCells", ""}, {"../internal/web", "TestWhatComesFromOutsideIsText", ""}},
	31: {{".", "TestPitfall31", ""}, {inRest, "TestBrokenAnswers", "a large record"}, {inRest, "TestStreamKeepsOneRecord", ""}},
	32: {{".", "TestPitfallsOfShapes", "32 "}},
	33: {{".", "TestPitfallsOfShapes", "33 "}, {".", "TestPitfall33", ""}, {inCLI, "TestChangesOfTheSandbox", ""}},
	34: {{".", "TestPitfallsOfShapes", "34 "}, {"../internal/changes", "TestShuffledRecordsAreTheSame", ""}},
	35: {{inService, "TestExportTellsWhatVanished", ""}},
	36: {{inService, "TestExportKeepsItsInterval", ""}, {inRest, "TestCSVThatIsNone", ""}},
	37: {{".", "TestPitfall37", ""}, {".", "TestPitfallsOfParameters", "37 "}, {"../internal/connector", "TestNormaliseIndicator", ""}},
	38: {{".", "TestPitfallsOfParameters", "38 "}},
	39: {{".", "TestPitfall39", ""}, {".", "TestPitfallsOfParameters", "39 "}},
	40: {{".", "TestPitfall40", ""}, {inService, "TestScanIsSubmittedOnce", ""}, {inCLI, "TestKilledWhileSubmitting", ""}},
	41: {{"../internal/egress", "TestTransportVerifiesTLS", ""}, {"../internal/egress", "TestTransportRefusesOldTLS", ""}, {inRest, "TestSilence", ""}},
	42: {{".", "TestPitfall42", ""}, {inRest, "TestCheckAddressRefuses", ""}},
	43: {{".", "TestPitfallsOfShapes", "43 "}, {"../internal/sandbox", "TestRowsOfExplore", ""}},
	44: {{".", "TestPitfall44", ""}, {"../internal/connector/partition", "TestEveryRecordOnce", ""}, {"../internal/sandbox", "TestPublishedLanguage", ""}},
	45: {{".", "TestPitfall45", ""}, {inCLI, "TestCountsOfAThreatAreNoChange", ""}},
	46: {{".", "TestPitfall46", ""}, {inCLI, "TestCredentialWithoutAKey", ""}},
}

// TestEveryOddityIsProven wants a test of each oddity that the page of Pulsedive tells of, and that all tests that are named here exist.
func TestEveryOddityIsProven(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Oddities) != len(proofs) || len(proofs) < 42 {
		t.Errorf("%d oddities, and proofs of %d", len(d.Oddities), len(proofs))
	}
	tests := map[string]map[string]*ast.FuncDecl{}
	for i := range d.Oddities {
		if len(proofs[i+1]) == 0 {
			t.Errorf("nothing proves number %d", i+1)
		}
		for _, p := range proofs[i+1] {
			if tests[p.folder] == nil {
				tests[p.folder] = testsIn(t, p.folder)
			}
			switch test := tests[p.folder][p.test]; {
			case test == nil:
				t.Errorf("number %d: there is no %s in %s", i+1, p.test, p.folder)
			case p.name != "" && !names(test, p.name):
				t.Errorf("number %d: %s in %s has no case %q", i+1, p.test, p.folder, p.name)
			}
		}
	}
}

// testsIn are the tests in the sources of a folder, by their names.
func testsIn(t *testing.T, folder string) map[string]*ast.FuncDecl {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*ast.FuncDecl{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				found[f.Name.Name] = f
			}
		}
	}
	return found
}

// names tells whether a text in a test begins so.
func names(test *ast.FuncDecl, beginning string) (found bool) {
	ast.Inspect(test, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			found = found || err == nil && strings.HasPrefix(text, beginning)
		}
		return !found
	})
	return found
}
