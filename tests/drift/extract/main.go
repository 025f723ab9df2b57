// The extractor reads the Go sources of the HPA controller, without building them, and prints what the
// controller can say: one JSON object a line.
//
//	{"use":"event","type":"Warning","reason":"FailedRescale","text":"New size: %d; …","at":"horizontal.go:1019"}
//	{"use":"condition","type":"AbleToScale","reason":"FailedUpdateScale","text":"…","at":"…"}
//	{"use":"text","text":"no metrics returned matched known pods","at":"metrics/utilization.go:46"}
//	{"use":"unresolved","text":"…","at":"…"}
//
// A text is every string with a space in it that is not an argument of a logger, and every argument of
// errors.New and fmt.Errorf. With -all, every string is a text: so libraries are read.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"log"
	"os"
	"strings"
)

type said struct {
	Use    string `json:"use"`
	Type   string `json:"type,omitempty"`
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text,omitempty"`
	At     string `json:"at"`
}

func main() {
	all := flag.Bool("all", false, "print every string")
	flag.Parse()
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, root := range flag.Args() {
		sources, err := read(root)
		if err != nil {
			log.Fatal(err)
		}
		if len(sources.functions) == 0 {
			log.Fatalf("%s holds no functions", root)
		}
		emit := func(s said) {
			if err := out.Encode(s); err != nil {
				log.Fatal(err)
			}
		}
		for _, file := range sources.files {
			for _, declaration := range file.Decls {
				if isImport(declaration) {
					continue
				}
				if *all {
					sources.strings(declaration, emit)
					continue
				}
				if function, ok := declaration.(*ast.FuncDecl); ok {
					sources.told(function, emit)
				}
				sources.texts(declaration, emit)
			}
		}
	}
}

func isImport(declaration ast.Decl) bool {
	general, ok := declaration.(*ast.GenDecl)
	return ok && general.Tok == token.IMPORT
}

// strings emits every string.
func (s *sources) strings(root ast.Node, emit func(said)) {
	ast.Inspect(root, func(node ast.Node) bool {
		expression, ok := node.(ast.Expr)
		if !ok {
			return true
		}
		text, ok := literal(expression)
		if ok {
			emit(said{Use: "text", Text: text, At: s.at(node)})
		}
		return !ok
	})
}

// texts emits the sentences that are not an argument of a logger.
func (s *sources) texts(root ast.Node, emit func(said)) {
	errors := map[ast.Expr]bool{}
	ast.Inspect(root, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CallExpr:
			if isLog(node) {
				return false
			}
			if name := called(node); (name == "New" || name == "Errorf") && len(node.Args) > 0 {
				errors[node.Args[0]] = true
			}
		case *ast.KeyValueExpr:
			// The description of a Prometheus metric.
			if key, ok := node.Key.(*ast.Ident); ok && key.Name == "Help" {
				return false
			}
		case *ast.Field:
			return false
		}
		expression, ok := node.(ast.Expr)
		if !ok {
			return true
		}
		text, ok := literal(expression)
		if !ok {
			return true
		}
		if text != "" && (errors[expression] || strings.Contains(text, " ")) {
			emit(said{Use: "text", Text: text, At: s.at(node)})
		}
		return false
	})
}

// told emits the events and the conditions that a function writes.
func (s *sources) told(function *ast.FuncDecl, emit func(said)) {
	if function.Body == nil {
		return
	}
	ast.Inspect(function.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CallExpr:
			name := called(node)
			switch {
			case (name == "Event" || name == "Eventf") && len(node.Args) >= 4:
				s.emit("event", function, node, node.Args[1], node.Args[2], node.Args[3:], emit)
			case name == "setCondition" && len(node.Args) >= 5:
				s.emit("condition", function, node, node.Args[1], node.Args[3], node.Args[4:], emit)
			}
		case *ast.CompositeLit:
			if isCondition(node) {
				text := []ast.Expr{field(node, "Message")}
				s.emit("condition", function, node, field(node, "Type"), field(node, "Reason"), text, emit)
			}
		}
		return true
	})
}

func (s *sources) emit(use string, in *ast.FuncDecl, at ast.Node, type_, reason ast.Expr, text []ast.Expr, emit func(said)) {
	types := s.resolve(type_, in, 0)
	reasons := s.resolve(reason, in, 0)
	if len(types) == 0 || len(reasons) == 0 {
		emit(said{Use: "unresolved", Text: use, At: s.at(at)})
		return
	}
	texts := s.resolve(text[0], in, 0)
	if len(texts) == 1 && texts[0] == "%s" && len(text) > 1 {
		texts = s.resolve(text[1], in, 0)
	}
	// Of several texts and several reasons it cannot be seen here which belong together.
	if len(texts) > 1 || len(reasons) > 1 && len(texts) == 1 && !strings.Contains(texts[0], "%") {
		texts = nil
	}
	if len(texts) == 0 {
		texts = []string{""}
	}
	for _, t := range types {
		for _, r := range reasons {
			emit(said{use, constant(t), r, texts[0], s.at(at)})
		}
	}
}

// isCondition tells a condition that has a reason.
func isCondition(filled *ast.CompositeLit) bool {
	return typeName(filled.Type) == "HorizontalPodAutoscalerCondition" && field(filled, "Reason") != nil
}

// constant is what the API's constants are called after.
func constant(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "EventType"), "Condition")
}

func (s *sources) at(node ast.Node) string {
	position := s.set.Position(node.Pos())
	return fmt.Sprintf("%s:%d", s.relative(position.Filename), position.Line)
}
